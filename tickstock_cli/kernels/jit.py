"""How hot loops are compiled, and where their machine code is kept.

numba keeps compiled code until the function's own file changes; it does not look at what the function calls in other
files, nor at their constants. So the code lives in a folder named by a hash of every source that a kernel can draw
on: after any change there, all kernels are compiled anew, and a result never comes from old code.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

config: Any = numba.config
"""Typed by hand: numba makes its settings at run time."""

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

PACKAGE = Path(__file__).parent.parent
ROOMS = ("core", "detectors", "kernels", "synth")
"""Where kernels, and the constants they use, are defined."""


def kernel(function: FunctionT) -> FunctionT:
    """Compile a hot loop: cached on disk, free of the GIL, division by zero gives inf or NaN.

    Where nothing can be kept it is compiled all the same, by every process for itself.
    """
    folder = cache_folder()
    before, config.CACHE_DIR = config.CACHE_DIR, str(folder or "")
    try:
        compiled: Any = numba.njit(cache=folder is not None, nogil=True, error_model="numpy")(function)
    finally:
        config.CACHE_DIR = before
    return cast(FunctionT, compiled)


@cache
def cache_folder() -> Path | None:
    """Return the folder of this source's machine code, or None where nothing can be kept.

    Code of former sources beside it is removed.
    """
    base = next((place for place in cache_places() if _is_writable(place)), None)
    if base is None:
        return None
    folder = base / _source_hash()
    if not folder.is_dir():
        for former in base.iterdir():
            shutil.rmtree(former, ignore_errors=True)
    return folder


def is_compiled(name: str) -> bool:
    """Return whether a former run left machine code of ``module.function`` as it is now."""
    folder = cache_folder()
    return folder is not None and any(folder.rglob(f"{name}-*.nbi"))


def cache_places() -> tuple[Path, ...]:
    """Return the folders for machine code, best first: NUMBA_CACHE_DIR, beside the source, the user's cache folder."""
    if config.CACHE_DIR:
        return (Path(config.CACHE_DIR) / "tickstock",)
    at_home = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    return PACKAGE / "__pycache__" / "kernels", at_home / "tickstock" / "kernels"


def _is_writable(folder: Path) -> bool:
    """Try it: permissions alone do not tell of a read-only file system."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def _source_hash() -> str:
    digest = blake2b(digest_size=8)
    for path in sorted(path for room in ROOMS for path in (PACKAGE / room).rglob("*.py")):
        digest.update(path.relative_to(PACKAGE).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
