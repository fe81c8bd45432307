"""A place for installed packages."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tickstock_cli.core import registry


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder of installed packages, which are read anew in each test; modules there begin with ``acme_``."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.delenv(registry.SWITCH, raising=False)
    monkeypatch.syspath_prepend(folder)
    registry._installed.cache_clear()
    yield folder
    registry._installed.cache_clear()
    for name in [name for name in sys.modules if name.startswith("acme_")]:
        del sys.modules[name]
