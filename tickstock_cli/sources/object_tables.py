"""Refuses tables of a data lake in object stores: their logs, which say which objects count, are not read."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from glob import has_magic
from itertools import takewhile

from tickstock_cli.errors import DataError
from tickstock_cli.storage.listing import places_below
from tickstock_cli.storage.names import ObjectName, object_name

_DELTA = "Delta"
_KINDS = {"_delta_log": _DELTA, ".hoodie": "Hudi", "metadata": "Iceberg"}
"""Folders that mark a table, with its kind; Iceberg's only with a file of metadata."""
_METADATA = ".metadata.json"


def check_no_table(path: str, seen: Collection[str]) -> None:
    """Raise DataError if what a path names is in a table, or has one in it.

    Parameters
    ----------
    seen
        The places that were listed for the path.
    """
    name = object_name(path)
    if (root := next(_roots([*seen, *_beside(name, seen)]), None)) is not None:
        place, kind = root
        way_out = "copy the table to the disk, where they are read" if kind == _DELTA else "export it to Parquet"
        raise DataError(
            f"{name.at(place)} is a table of {kind}, and its metadata, which are not read in object stores, say which "
            f"of its objects count: {way_out}, or name the objects of one state yourself"
        )


def _roots(places: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the folders of tables, with their kinds, that listed places show."""
    for place in places:
        parts = place.split("/")
        for depth, part in enumerate(parts):
            kind = _KINDS.get(part)
            if kind is not None and (part != "metadata" or place.endswith(_METADATA)):
                yield "/".join(parts[:depth]), kind


def _beside(name: ObjectName, seen: Collection[str]) -> list[str]:
    """Return what marks a table in the folders that a name is in, without those of a glob, and in listed ones."""
    parts = list(takewhile(lambda part: not has_magic(part), name.place.split("/")))
    folders = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
    asked = [f"{folder}/{mark}" for folder in folders for mark in _KINDS]
    asked += [place for place in seen if place.endswith("/metadata")]
    return [place for at in dict.fromkeys(asked) for place in places_below(name.at(at))]
