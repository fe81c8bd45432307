"""Limits of the time of tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.prepared import with_root

LIMITS = "[pytest]\ntimeout = 0.5\nfaulthandler_timeout = 1\nfaulthandler_exit_on_timeout = true\n"
LONG = "import time\nimport pytest\n\n@pytest.mark.timeout({limit})\ndef test_long():\n    time.sleep(1.5)\n"


@pytest.mark.parametrize(("limit", "passes"), [(60, True), (0.4, False)])
def test_a_test_with_a_longer_limit_is_not_ended_at_that_of_the_others(
    limit: float, passes: bool, tmp_path: Path
) -> None:
    """The process would end in the middle of it, and what it had printed would be lost."""
    (tmp_path / "pytest.ini").write_text(LIMITS)
    (tmp_path / "conftest.py").write_text("from tests.conftest import pytest_runtest_setup\n")
    (tmp_path / "test_long.py").write_text(LONG.format(limit=limit))

    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env=with_root(None),
        capture_output=True,
        text=True,
    )

    assert (run.returncode == 0) is passes, run
    assert ("1 passed" if passes else "Timeout") in run.stdout
