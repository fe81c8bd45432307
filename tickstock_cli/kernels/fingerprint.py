"""Hashes all that a kernel's machine code depends on.

numba compiles a function's bytecode with the values of the globals that the function names: constants, record layouts
and the other kernels it calls. A fingerprint is a hash of these, so it changes exactly when the machine code may
change: a comment, a docstring, a moved file or a function beside the kernel changes nothing.

1. ``fingerprint`` walks from a kernel to every kernel it can call.
2. ``_describe_code`` reads one function's bytecode, with constants by value instead of by their place in a table.
3. ``_describe`` reads the value of a global, of a default or of a closure.
4. ``describe_type`` reads the type of an argument.

A value that none of these can read, such as a plain Python function that numba's extension API knows, raises
``NoFingerprintError``: such a kernel is compiled by every process anew.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dis import EXTENDED_ARG, hasconst
from enum import Enum
from functools import cache
from hashlib import blake2b
from inspect import CO_VARARGS, CO_VARKEYWORDS
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import numba
import numpy as np

config: Any = numba.config
core: Any = numba.core
types: Any = numba.types
"""Typed by hand: numba makes its settings at run time, and its types have no annotations."""

_FIXED_BY_VERSION = {"builtins", "numba", "numpy", *sys.stdlib_module_names}
"""Packages that are described by name, because every fingerprint has the versions of numba and Python."""
_TAKES_CONSTANT = re.compile(b"[" + b"".join(re.escape(bytes([code])) for code in hasconst) + b"]", re.DOTALL)
_FUNCTION_FLAGS = CO_VARARGS | CO_VARKEYWORDS

Description = Any
"""Nested tuples of plain values, whose ``repr`` is the same in every process."""


class NoFingerprintError(Exception):
    """A kernel uses a value that cannot be described; never shown to a user."""


def fingerprint(kernel: Any) -> str:
    """Return 32 hex digits that change with the machine code of a kernel, whatever its arguments' types.

    Parameters
    ----------
    kernel
        A numba dispatcher whose module has been imported to its end.

    Raises
    ------
    NoFingerprintError
        The kernel, or one that it calls, uses a value that cannot be described.
    """
    digest = blake2b(digest_size=16)
    digest.update(repr((numba.__version__, sys.implementation.cache_tag, config.BOUNDSCHECK)).encode())
    seen: dict[int, None] = {}
    waiting = [kernel]
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen[id(current)] = None
        content, called = _describe_kernel(current)
        digest.update(content)
        waiting.extend(called)
    return digest.hexdigest()


def describe_type(kind: Any) -> Description:
    """Return the description of a numba type; for named tuples and enums with what their classes hold.

    Raises
    ------
    NoFingerprintError
        The type stands for a function, whose name tells nothing of its code.
    """
    if isinstance(kind, types.BaseNamedTuple):
        return _describe(kind.instance_class, []), tuple(map(describe_type, kind.types))
    if isinstance(kind, types.BaseTuple):
        return tuple(map(describe_type, kind.types))
    if isinstance(kind, types.EnumMember):
        return _describe(kind.instance_class, [])
    if isinstance(kind, types.Callable):
        raise NoFingerprintError(str(kind))
    return str(kind)


@cache
def _describe_kernel(kernel: Any) -> tuple[bytes, tuple[Any, ...]]:
    """Return the description of one kernel, and the kernels that it names."""
    called: list[Any] = []
    function: Any = kernel.py_func
    cells = (cell.cell_contents for cell in function.__closure__ or ())
    content = (
        _name(function),
        tuple(sorted((name, repr(value)) for name, value in kernel.targetoptions.items())),
        _describe_code(function.__code__, called),
        _describe(function.__defaults__, called),
        tuple((name, _describe(value, called)) for name, value in sorted((function.__kwdefaults__ or {}).items())),
        tuple(_describe(value, called) for value in cells),
        tuple((name, _describe(value, called)) for name, value in _globals(function.__code__, function.__globals__)),
    )
    return repr(content).encode(), tuple(called)


def _describe_code(code: CodeType, called: list[Any]) -> Description:
    raw = code.co_code
    operands = bytearray(raw)
    constants = []
    for found in _TAKES_CONSTANT.finditer(raw[::2]):
        at = 2 * found.start()
        index = raw[at + 1]
        operands[at + 1] = 0
        if at and raw[at - 2] == EXTENDED_ARG:
            index += raw[at - 1] << 8
            operands[at - 1] = 0
        constants.append(_describe(code.co_consts[index], called))
    return (
        bytes(operands),
        tuple(constants),
        code.co_names,
        code.co_varnames,
        code.co_cellvars,
        code.co_freevars,
        (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags & _FUNCTION_FLAGS),
        code.co_exceptiontable,
    )


def _globals(code: CodeType, namespace: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the globals that a function names, and the attributes that it names of modules among them."""
    names = tuple(_names(code))
    for name in names:
        if name not in namespace:
            continue
        value = namespace[name]
        yield name, value
        if isinstance(value, ModuleType) and not _is_fixed(value.__name__):
            yield from ((f"{name}.{member}", vars(value)[member]) for member in names if member in vars(value))


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _describe(value: Any, called: list[Any]) -> Description:
    """Return the description of a value; kernels are added to ``called``."""
    if type(value) in _PLAIN:
        return type(value).__name__, repr(value)
    for kind, describe in _BY_TYPE.items():
        if isinstance(value, kind):
            return describe(value, called)
    if hasattr(value, "py_func"):
        called.append(value)
        return "kernel", _name(value.py_func)
    if isinstance(value, core.extending._Intrinsic):  # noqa: SLF001 - numba has no public name for it
        definition: Any = value.__wrapped__
        return "intrinsic", _name(definition), _describe_code(definition.__code__, called)
    raise NoFingerprintError(f"{type(value).__name__} {value!r}")


def _describe_numpy(value: Any, called: list[Any]) -> Description:
    del called
    return type(value).__name__, repr(value)


def _describe_sequence(value: Any, called: list[Any]) -> Description:
    return type(value).__name__, tuple(_describe(element, called) for element in value)


def _describe_set(value: Any, called: list[Any]) -> Description:
    return "set", tuple(sorted(repr(_describe(element, called)) for element in value))


def _describe_array(value: Any, called: list[Any]) -> Description:
    del called
    return "array", repr(value.dtype), value.shape, value.tobytes()


def _describe_member(value: Enum, called: list[Any]) -> Description:
    return "member", _name(type(value)), value.name, _describe(value.value, called)


def _describe_class(value: Any, called: list[Any]) -> Description:
    if issubclass(value, tuple) and hasattr(value, "_fields"):
        defaults = tuple((name, _describe(default, called)) for name, default in value._field_defaults.items())
        return "named tuple", _name(value), value._fields, defaults
    if issubclass(value, Enum):
        return "enum", _name(value), tuple(_describe_member(member, called) for member in value)
    return _describe_fixed(value, called)


def _describe_fixed(value: Any, called: list[Any]) -> Description:
    """Return the name of something that belongs to Python, numpy or numba."""
    del called
    module = getattr(value, "__module__", None) or "builtins"
    if not _is_fixed(module):
        raise NoFingerprintError(f"{module}.{value.__name__}")
    return "named", module, value.__name__


def _describe_module(value: ModuleType, called: list[Any]) -> Description:
    del called
    return "module", value.__name__


def _describe_numba_type(value: Any, called: list[Any]) -> Description:
    del called
    return "type", describe_type(value)


_PLAIN = {bool, int, float, complex, str, bytes, type(None), type(...)}
_BY_TYPE: dict[Any, Callable[[Any, list[Any]], Description]] = {
    Enum: _describe_member,
    (np.generic, np.dtype): _describe_numpy,
    (tuple, list): _describe_sequence,
    frozenset: _describe_set,
    np.ndarray: _describe_array,
    CodeType: _describe_code,
    types.Type: _describe_numba_type,
    type: _describe_class,
    (FunctionType, BuiltinFunctionType, np.ufunc): _describe_fixed,
    ModuleType: _describe_module,
}
"""The first line whose types fit describes a value."""


def _is_fixed(module: str) -> bool:
    return module.partition(".")[0] in _FIXED_BY_VERSION


def _name(value: Any) -> str:
    return f"{value.__module__}.{value.__qualname__}"
