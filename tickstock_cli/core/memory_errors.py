"""Errors of a system that refuses memory or threads: libraries raise many kinds of them."""

from __future__ import annotations

import errno
import re
import resource
from collections.abc import Iterator
from pathlib import Path

from tickstock_cli.errors import MemoryShortError, TickstockError

REMEDY = (
    "raise the limit (ulimit -v, or that of the container), end other programs, "
    "or ask for less: --batch-rows 10000, --workers 1, fewer --symbols"
)

NEARLY = 0.75
"""Share of the limit from which on an unexpected error is one of memory: a thread asks for 8 MiB and an arena of 64."""

_THREAD = re.compile(
    r"can't start new thread|launch worker thread|spawn.{0,30}thread|failed to (?:create|start|spawn) .{0,20}thread",
    re.IGNORECASE,
)
_MEMORY = re.compile(
    r"cannot allocate memory|out of memory|unable to allocate|malloc of size|realloc|failed to map segment",
    re.IGNORECASE,
)
_ASKED = re.compile(r"(?:allocate|size) (\d[\d.,]*(?: (?:[KMGT]iB|bytes))?)")


def memory_shortage(error: BaseException) -> MemoryShortError | None:
    """Return the error that tells a user that memory is short, if that is why ``error`` or a cause of it was raised."""
    for each in _causes(error):
        if isinstance(each, MemoryShortError):
            return each
        what = _wanted(each)
        if what is not None:
            return MemoryShortError(f"memory is short: {what}; {REMEDY}")
    return None


def shortage_by_limit() -> MemoryShortError | None:
    """Return the error of short memory if this process has used up nearly all that ``ulimit -v`` allows.

    Libraries that get no memory raise errors of any kind, such as one of a module that is not there.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    used = _address_space()
    if limit == resource.RLIM_INFINITY or used is None or used < NEARLY * limit:
        return None
    return MemoryShortError(
        f"memory is short: this process uses {used >> 20:,} of the {limit >> 20:,} MiB that ulimit -v allows; {REMEDY}"
    )


def _address_space() -> int | None:
    """Return the bytes of this process's address space; None where the system does not tell."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[0]
    except OSError:
        return None
    return int(pages) * resource.getpagesize()


def raise_if_short(error: BaseException) -> None:
    """Raise the error of short memory, if that is why ``error`` was raised: the input is not to blame.

    Raises
    ------
    MemoryShortError
        Memory is short.
    """
    shortage = memory_shortage(error)
    if shortage is not None:
        raise shortage from error


def error_words(error: BaseException) -> str:
    """Return an error as words: those of our own, or its type before its text."""
    if isinstance(error, TickstockError):
        return str(error)
    return str(memory_shortage(error) or f"{type(error).__name__}: {error}")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those it was raised from."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)


def _wanted(error: BaseException) -> str | None:
    """Return what was asked for in vain; None if the error is another."""
    if isinstance(error, TickstockError):
        return None
    text = " ".join(str(error).split())
    if _THREAD.search(text):
        return "the system has no room for a further thread"
    if isinstance(error, MemoryError) or _is_no_memory(error) or _MEMORY.search(text):
        asked = _ASKED.search(text)
        if asked is None:
            return "the system refuses more"
        size = f"{int(asked[1]):,} bytes" if asked[1].isdecimal() else asked[1]
        return f"{size} more were refused"
    return None


def _is_no_memory(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno == errno.ENOMEM
