"""The source that `docs/add-a-source.md` shows keeps the contract, word for word."""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tickstock_cli.testing import Record
from tickstock_cli.testing.sources import SourceContract

PAGE = Path(__file__).parents[2] / "docs" / "add-a-source.md"
MODULE, TEST = (
    textwrap.dedent(block) for block in re.findall(r"^ *```python\n(.*?)```", PAGE.read_text("utf-8"), re.S | re.M)[:2]
)


def run(name: str, text: str) -> ModuleType:
    """Return a module of the page's text."""
    module = ModuleType(name)
    exec(compile(text, str(PAGE), "exec"), module.__dict__)
    return module


class TestDocumentedSource(SourceContract):
    """The battery, with the page's own test class."""

    @pytest.fixture(autouse=True)
    def _choose(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "tickstock_acme", ModuleType("tickstock_acme"))
        monkeypatch.setitem(sys.modules, "tickstock_acme.acme", run("tickstock_acme.acme", MODULE))
        self.documented: Any = run("test_acme", TEST).TestAcme()
        self.source = self.documented.source

    def targets(self, rows: Sequence[Record], folder: Path) -> list[str]:
        """Write the rows as the page does."""
        written: list[str] = self.documented.targets(rows, folder)
        return written
