"""The test kit is part of the package, which is installed without test frameworks."""

from __future__ import annotations

import subprocess
import sys

IMPORTS = """
import sys
from tickstock_cli.testing import detectors, sinks, sources, transports
print(sorted({"hypothesis", "pytest"} & sys.modules.keys()))
"""


def test_the_batteries_import_no_test_framework() -> None:
    """A plugin's tests bring pytest along; looking at a contract needs none."""
    result = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True)

    assert result.stdout == "[]\n"
