"""A process that dies before one of its operations on files."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

OPERATIONS = ("open", "os.rename", "os.remove", "os.truncate", "os.mkdir", "os.rmdir")


class DeathError(BaseException):
    """The process is gone: what it would have done next is not done, clean-up included."""


@dataclass
class _Watch:
    folder: str = ""
    left: int = 0
    seen: int = 0


_WATCH = _Watch()


def _count(event: str, arguments: tuple[object, ...]) -> None:
    if not _WATCH.folder or event not in OPERATIONS or not str(arguments[0]).startswith(_WATCH.folder):
        return
    _WATCH.seen += 1
    if _WATCH.seen > _WATCH.left:
        raise DeathError


_HOOKED: list[bool] = []


@contextmanager
def dying(folder: Path, after: int) -> Iterator[None]:
    """Let every operation on files of a folder fail after so many of them; Arrow's own are not seen."""
    if not _HOOKED:  # an audit hook cannot be removed
        sys.addaudithook(_count)
        _HOOKED.append(True)
    _WATCH.folder, _WATCH.left, _WATCH.seen = str(folder), after, 0
    try:
        yield
    except DeathError:
        pass
    finally:
        _WATCH.folder = ""
