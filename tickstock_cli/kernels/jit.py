"""How hot loops are compiled, and where their machine code is kept.

numba keeps compiled code until the function's own file changes; it does not look at what the function calls in other
files, nor at their constants. So the code lives in a folder named by a hash of every source that a kernel can draw
on: after any change there, all kernels are compiled anew, and a result never comes from old code.
"""

from __future__ import annotations

import os
import shutil
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
    """Compile a hot loop: cached on disk, free of the GIL, division by zero gives inf or NaN."""
    before, config.CACHE_DIR = config.CACHE_DIR, str(cache_folder())
    try:
        compiled: Any = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    finally:
        config.CACHE_DIR = before
    return cast(FunctionT, compiled)


@cache
def cache_folder() -> Path:
    """Give the folder of this source's machine code; code of former sources beside it is removed."""
    base = _cache_base()
    folder = base / _source_hash()
    if not folder.is_dir() and base.is_dir():
        for former in base.iterdir():
            shutil.rmtree(former, ignore_errors=True)
    return folder


def is_compiled(name: str) -> bool:
    """Tell whether a former run left machine code of ``module.function`` as it is now."""
    return any(cache_folder().rglob(f"{name}-*.nbi"))


def _cache_base() -> Path:
    """Give where machine code is kept: where NUMBA_CACHE_DIR says, beside the source, or in the user's cache."""
    if config.CACHE_DIR:
        return Path(config.CACHE_DIR) / "tickstock"
    if os.access(PACKAGE, os.W_OK):
        return PACKAGE / "__pycache__" / "kernels"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tickstock" / "kernels"


def _source_hash() -> str:
    digest = blake2b(digest_size=8)
    for path in sorted(path for room in ROOMS for path in (PACKAGE / room).rglob("*.py")):
        digest.update(path.relative_to(PACKAGE).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
