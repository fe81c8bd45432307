"""Shows rows of many files at once to the watchers of each: a call a file costs more than a file's few rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

import pyarrow as pa

from tickstock_cli.core.batch import Int64s
from tickstock_cli.sources.checks.facts import Watcher
from tickstock_cli.sources.plain_numbers import Bools, frozen


@dataclass(frozen=True, slots=True)
class FilePieces:
    """Rows of files, a piece of each.

    Parameters
    ----------
    rows
        All of them.
    chosen
        The rows that `recordings.where` selects; None is all.
    starts, ends
        First row of each piece, and the row behind its last, int64.
    firsts
        Row number, in its file, of the first row of each piece, int64.
    """

    rows: pa.RecordBatch
    chosen: Bools | None
    starts: Int64s
    ends: Int64s
    firsts: Int64s

    def only(self, places: Sequence[int]) -> FilePieces:
        """Return some of the pieces."""
        starts, ends, firsts = (frozen(bounds[places]) for bounds in (self.starts, self.ends, self.firsts))
        return FilePieces(self.rows, self.chosen, starts, ends, firsts)


@runtime_checkable
class PieceWatcher(Watcher, Protocol):
    """A watcher that can see the rows of its file among those of others."""

    @classmethod
    def see_pieces(cls, watchers: Sequence[Self], pieces: FilePieces) -> None:
        """Show each watcher, of which there is one at least, the piece of its file; raises as ``see`` does."""


def see_pieces(watchers: Sequence[Iterable[Watcher]], pieces: FilePieces) -> None:
    """Show pieces to the watchers of their files.

    Raises
    ------
    DataError
        The recording cannot be read like this.
    """
    places: dict[type[Watcher], list[int]] = {}
    of_kind: dict[type[Watcher], list[Any]] = {}
    for place, some in enumerate(watchers):
        for watcher in some:
            places.setdefault(type(watcher), []).append(place)
            of_kind.setdefault(type(watcher), []).append(watcher)
    for kind, mine in of_kind.items():
        theirs = pieces.only(places[kind])
        if issubclass(kind, PieceWatcher):
            kind.see_pieces(mine, theirs)
        else:
            _see_one_by_one(mine, theirs)


def _see_one_by_one(watchers: Sequence[Watcher], pieces: FilePieces) -> None:
    bounds = (column.tolist() for column in (pieces.starts, pieces.ends, pieces.firsts))
    for watcher, start, end, first in zip(watchers, *bounds, strict=True):
        chosen = None if pieces.chosen is None else pieces.chosen[start:end]
        watcher.see(pieces.rows.slice(start, end - start), chosen, first)
