"""Names of objects, and paths that show them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PosixPath

from tickstock_cli.errors import UsageError

_OBJECT = re.compile(r"(s3|gs):(?:/{1,2}|\Z)([^/]*)/*(.*)", re.DOTALL)
"""The library's path of a scheme alone has no slash: ``Path("s3://")`` is ``s3:``."""


@dataclass(frozen=True, slots=True, order=True)
class ObjectName:
    """The name of an object, of a prefix, or with an empty key of a bucket."""

    scheme: str
    bucket: str
    key: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.place}"

    @property
    def place(self) -> str:
        """Bucket and key, as file systems of pyarrow want them."""
        return f"{self.bucket}/{self.key}" if self.key else self.bucket

    def at(self, place: str) -> ObjectName:
        """Return the name of another place of the same store."""
        bucket, _, key = place.partition("/")
        return ObjectName(self.scheme, bucket, key)


class ObjectPath(PosixPath):
    """The name of an object as a path, which shows both slashes behind the scheme. Nothing is there on the disk."""

    def __str__(self) -> str:
        return re.sub("^(s3|gs):/?", r"\1://", super().__str__())

    def absolute(self) -> ObjectPath:
        """Return the path itself: no folder of the disk is in front of it."""
        return self


def is_object(path: str | Path) -> bool:
    """Return whether a path names an object, a prefix or a bucket.

    Examples
    --------
    >>> is_object("s3://archive/2026/ticks.parquet"), is_object("s3/ticks.parquet")
    (True, False)
    """
    return str(path).startswith(("s3:/", "gs:/")) or str(path) in ("s3:", "gs:")


def check_local(path: Path, what: str) -> None:
    """Raise UsageError if a path names an object where only files are read or written; ``what`` is what it is for."""
    if is_object(path):
        raise UsageError(
            f"{what} can only be on the disk, and {shown_as_path(path)} is in an object store: name a path on the disk,"
            " and copy from it or to it yourself"
        )


def object_name(path: str | Path) -> ObjectName:
    """Return the name in a path; a path of the library, which joins slashes, is understood.

    Raises
    ------
    UsageError
        The path names no bucket.

    Examples
    --------
    >>> str(object_name(Path("s3://archive/2026/")))
    's3://archive/2026'
    """
    match = _OBJECT.fullmatch(str(path))
    if match is None or not match[2]:
        raise UsageError(f"{shown_as_path(path)} names no bucket: write {str(path)[:2]}://BUCKET/NAME")
    return ObjectName(match[1], match[2], re.sub("/+", "/", match[3]).strip("/"))


def shown_as_path(path: str | Path) -> Path:
    """Return a path that is shown as it was named, also that of an object."""
    return ObjectPath(path) if is_object(path) else Path(path)
