"""Folders that travel with the package: in the wheel inside it, in a checkout beside it."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parent.parent


def shipped_folder(name: str) -> Path:
    """Return the folder of this name that was installed with the package, or that stands at the top of a checkout."""
    installed = PACKAGE / name
    return installed if installed.is_dir() else PACKAGE.parent / name
