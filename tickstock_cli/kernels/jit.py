"""Compiles hot loops.

numba's own cache keeps compiled code until the function's file changes: a comment there compiles it anew, and a change
of what it calls in another file does not. So machine code is cached under a hash of its dependencies
(``fingerprint.py``, ``machine_code.py``): old code is never used, and only changed kernels are compiled again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

from tickstock_cli.kernels.machine_code import KernelCache, config

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


def kernel(function: FunctionT) -> FunctionT:
    """Compile a hot loop: cached on disk, free of the GIL, division by zero gives inf or NaN.

    A kernel may use constants, named tuples, enums, numpy and other kernels, of any module of any package. A kernel
    that uses something else, or has no writable folder, is compiled by every process.
    """
    return _compiled(function)


def inlined_kernel(function: FunctionT) -> FunctionT:
    """Compile a part of hot loops: a kernel whose machine code becomes part of each caller.

    For what runs once a row. A call would pass every array and setting one by one, and count the references to each
    array in steps that lock memory: up to 20 ns.
    """
    return _compiled(function, forceinline=True)


def _compiled(function: FunctionT, **options: Any) -> FunctionT:
    compiled: Any = numba.njit(nogil=True, error_model="numpy", **options)(function)
    if not config.DISABLE_JIT:
        compiled._cache = KernelCache(compiled)  # noqa: SLF001 - numba offers no other way; tests/unit/kernels holds it
    return cast(FunctionT, compiled)
