"""Examples in docstrings: they are tests that a reader sees.

pytest's own search for them looks at every object of every module, in each worker: six seconds.
"""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import tickstock_cli

PACKAGE = Path(tickstock_cli.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("module", MODULES)
def test_an_example_gives_what_its_docstring_shows(module: str) -> None:
    """An example that has become wrong misleads whoever copies it."""
    result = doctest.testmod(import_module(module))

    assert result.attempted > 0
    assert result.failed == 0
