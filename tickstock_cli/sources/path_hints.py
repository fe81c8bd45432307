"""Tells what to write instead of a path that is not there because shells, libraries or stores write it differently."""

from __future__ import annotations

import os
import re
from urllib.parse import unquote

from tickstock_cli.errors import DataError
from tickstock_cli.sources.folder_walk import unreachable

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):/+(.*)", re.DOTALL)
_STORES = {"s3": "s3", "s3a": "s3", "s3n": "s3", "gs": "gs", "gcs": "gs"}
"""Schemes that libraries have for stores, in lower case -> ours."""
_WEB = ("http", "https", "ftp", "ftps")
_OTHER_STORES = frozenset(
    ("abfs", "abfss", "adl", "az", "azure", "wasb", "wasbs", "hdfs", "r2", "oss", "sftp", "scp", "ssh", "smb", "dbfs")
)
_BRACES = re.compile(r"\{[^{}]*(?:,|\.\.)[^{}]*\}")
_VARIABLE = re.compile(r"\$(?:[A-Za-z_]|\{)")


def path_hint(path: str) -> str | None:
    """Return what to write instead of a path that is not there; None if nothing is odd about it.

    Examples
    --------
    >>> path_hint("file:///data/my%20ticks.parquet")
    'write the path alone: /data/my ticks.parquet'
    >>> path_hint("S3://archive/ticks")
    'write s3://archive/ticks'
    >>> path_hint("ticks.parquet")
    """
    if (url := _URL.fullmatch(path)) is not None:
        return _url_hint(url[1].lower(), url[2])
    if path.startswith("~"):
        home = os.path.expanduser(path)
        written = f"write {home}" if home != path else "write the whole path"
        return f"a shell expands ~ only outside quotes: {written}"
    if _BRACES.search(path):
        return "a shell expands braces only outside quotes: leave the quotes out, or name each path"
    if _VARIABLE.search(path):
        return "a shell expands variables only outside single quotes: use double quotes"
    return None


def missing_path(path: str) -> DataError:
    """Return the error of a path that is not there, or cannot be reached."""
    why = unreachable(path)
    if why is not None:
        return DataError(why)
    hint = path_hint(path)
    return DataError(f"no such file or folder: {path}{f'; {hint}' if hint else ''}")


def _url_hint(scheme: str, rest: str) -> str | None:
    if scheme == "file":
        return f"write the path alone: /{unquote(rest.removeprefix('localhost/'))}"
    if scheme in _STORES:
        return f"write {_STORES[scheme]}://{rest}"
    if scheme in _WEB:
        return "nothing is read from web servers: download it, and name the file"
    if scheme in _OTHER_STORES:
        return "of stores s3:// and gs:// alone are read: copy it there, or to the disk"
    return None
