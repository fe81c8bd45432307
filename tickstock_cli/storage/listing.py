"""Finds the objects that a name, a prefix or a glob stands for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from glob import has_magic
from typing import TYPE_CHECKING

from tickstock_cli.errors import DataError
from tickstock_cli.storage.names import ObjectName, object_name
from tickstock_cli.storage.stores import asking, has_bucket, no_bucket, store_of

if TYPE_CHECKING:
    from pyarrow.fs import FileInfo, FileSystem

_AT_ONCE = 16
_ANY_DEPTH = "**"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object, with its size in bytes and its time of change (int64 ns UTC) as listed."""

    name: ObjectName
    size: int
    modified: int | None


def objects_at(
    path: str,
    suffixes: Sequence[str],
    seen: set[str] | None = None,
    others: list[str] | None = None,
    *,
    shown: str | None = None,
) -> list[StoredObject]:
    """Return the objects of a path, sorted by key: the named one, those below a prefix, or those of a glob.

    Parameters
    ----------
    suffixes
        Ends of keys, in lower case, for objects that were not named: others are left out, and so are those with a part
        of their key, below what was named, that begins with ``.`` or ``_``.
    seen
        Gets the places, ``bucket/key``, of all objects and folders that were listed, also of those left out.
    others
        Gets the names of objects below prefixes that have no such suffix, but for hidden and empty ones.
    shown
        What a message calls the suffixes; None lists them.

    Raises
    ------
    DataError
        There is no such object, or the store cannot be asked.
    UsageError
        The path names no bucket.
    """
    name = object_name(path)
    with asking(name):
        search = _Search(store_of(name.scheme, name.bucket), suffixes, set() if seen is None else seen, [])
        info = search.store.get_file_info(name.place)
        if info.is_file:
            return [_stored(name, info)]
        if info.type.name == "Directory":
            found = search.below(name.place)
        elif has_magic(name.key):
            found = search.matching(name)
        elif name.key and has_bucket(search.store, name.bucket):
            raise DataError(f"no such object or prefix: {name}")
        else:
            raise DataError(no_bucket(name))
    if others is not None:
        others += sorted(str(name.at(place)) for place in dict.fromkeys(search.others))
    if not found:
        kind = f"matches {name}" if has_magic(name.key) else f"below {name} ends with {shown or ' or '.join(suffixes)}"
        raise DataError(f"no object {kind}")
    return sorted({info.path: _stored(name, info) for info in found}.values(), key=lambda stored: stored.name)


def places_below(name: ObjectName) -> list[str]:
    """Return the places directly below a prefix, ``bucket/key``; none if there is no such prefix.

    Raises
    ------
    DataError
        The store cannot be asked.
    """
    from pyarrow.fs import FileSelector

    with asking(name):
        store = store_of(name.scheme, name.bucket)
        return [info.path for info in store.get_file_info(FileSelector(name.place, allow_not_found=True))]


def _stored(name: ObjectName, info: FileInfo) -> StoredObject:
    return StoredObject(name.at(info.path), info.size or 0, info.mtime_ns)


@dataclass(frozen=True, slots=True)
class _Search:
    """A search in one store."""

    store: FileSystem
    suffixes: Sequence[str]
    seen: set[str]
    others: list[str]

    def below(self, place: str) -> list[FileInfo]:
        """Return the wanted objects below a place, and keep the places of the others."""
        listed = [info for info in self._listed(place, recursive=True) if info.is_file]
        shown = [info for info in listed if not _is_hidden(info.path[len(place) :].strip("/"))]
        self.others.extend(info.path for info in shown if info.size and not self._has_suffix(info.path))
        return [info for info in shown if self._has_suffix(info.path)]

    def matching(self, name: ObjectName) -> list[FileInfo]:
        """Return the objects that match a glob; what matches and is a prefix is expanded."""
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="tickstock-list") as pool:
            places = [name.bucket]
            parts = name.key.split("/")
            for place, part in enumerate(parts):
                if part == _ANY_DEPTH:
                    return [info for at in places for info in self._at_any_depth(at, parts[place:])]
                if not has_magic("/".join(parts[: place + 1])):
                    places = [f"{places[0]}/{part}"]
                    continue
                pages = list(pool.map(lambda at: self._listed(at, recursive=False), places))
                matches = [info for page in pages for info in page if _fits(info.base_name, part)]
                if place == len(parts) - 1:
                    return list(self._expanded(matches))
                places = [info.path for info in matches if not info.is_file]
        return []

    def _listed(self, place: str, *, recursive: bool) -> list[FileInfo]:
        from pyarrow.fs import FileSelector

        # In Google's stores Arrow finds folders only where somebody made objects for them.
        is_whole = recursive or self.store.type_name == "gcs"
        infos = self.store.get_file_info(FileSelector(place, allow_not_found=True, recursive=is_whole))
        self.seen.update(info.path for info in infos)
        return infos if recursive or not is_whole else _directly_below(place, infos)

    def _has_suffix(self, key: str) -> bool:
        return key.lower().endswith(tuple(self.suffixes))

    def _expanded(self, matches: Sequence[FileInfo]) -> Iterator[FileInfo]:
        for info in matches:
            if info.is_file:
                yield info
            elif info.type.name == "Directory":
                yield from self.below(info.path)

    def _at_any_depth(self, place: str, parts: Sequence[str]) -> Iterator[FileInfo]:
        for info in self._listed(place, recursive=True):
            keys = info.path[len(place) :].strip("/").split("/")
            below = ["/".join(keys[depth:]) for depth in range(len(keys)) if _fits_all(keys[:depth], parts)]
            if info.is_file and (
                _fits_all(keys, parts) or any(self._has_suffix(key) and not _is_hidden(key) for key in below)
            ):
                yield info


def _is_hidden(below: str) -> bool:
    """Return whether a part of a key, below what was named, begins with ``.`` or ``_``."""
    return any(part.startswith((".", "_")) for part in below.split("/"))


def _directly_below(place: str, infos: Sequence[FileInfo]) -> list[FileInfo]:
    """Return of all that is below a place the files and folders directly below it."""
    from pyarrow.fs import FileInfo, FileType

    found: dict[str, FileInfo] = {}
    for info in infos:
        name, slash, _ = info.path[len(place) :].strip("/").partition("/")
        path = f"{place}/{name}"
        if slash or not info.is_file:
            found[path] = FileInfo(path, FileType.Directory)
        else:
            found.setdefault(path, info)
    return list(found.values())


def _fits_all(keys: Sequence[str], parts: Sequence[str]) -> bool:
    """Return whether a pattern of a glob matches the parts of a key."""
    if not parts:
        return not keys
    if parts[0] == _ANY_DEPTH:
        if _fits_all(keys, parts[1:]):
            return True
        return bool(keys) and not keys[0].startswith(".") and _fits_all(keys[1:], parts)
    return bool(keys) and _fits(keys[0], parts[0]) and _fits_all(keys[1:], parts[1:])


def _fits(text: str, pattern: str) -> bool:
    return fnmatchcase(text, pattern) and (pattern.startswith(".") or not text.startswith("."))
