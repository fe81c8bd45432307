"""Lines of JSON in files that only grow, and the manifest: what a recorded folder vouches for."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import file_digest
from pathlib import Path
from threading import Lock
from typing import Any

from tickstock_cli.core.files import replace_file

MANIFEST = "manifest.jsonl"


@dataclass(frozen=True, slots=True)
class FinishedFile:
    """A finished file, as the manifest describes it.

    Parameters
    ----------
    file
        Path below the recorded folder.
    first, last
        Times of its first and last row, ns UTC; None without rows.
    """

    file: str
    rows: int
    first: int | None
    last: int | None
    sha256: str


class RecordingManifest:
    """The manifest of a recorded folder. Safe in several threads of one process. Methods raise OSError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / MANIFEST
        self._lock = Lock()

    def entries(self) -> dict[str, FinishedFile]:
        """Return the newest entry of each file, by its path."""
        return read_manifest(self._folder)

    def add(self, *, path: Path, rows: int, first: int | None, last: int | None) -> None:
        """Vouch for a file as it is now; nothing is written if its entry says the same already."""
        name = path.relative_to(self._folder).as_posix()
        entry = FinishedFile(name, rows, first, last, sha256_of(path))
        with self._lock:
            if self.entries().get(name) != entry:
                append_lines(self._path, [asdict(entry)])

    def drop(self, folder: str) -> None:
        """Vouch no longer for the files of a folder."""
        with self._lock:
            kept = [entry for entry in self.entries().values() if not entry.file.startswith(f"{folder}/")]
            text = "".join(f"{json.dumps(asdict(entry))}\n" for entry in kept)
            replace_file(self._path, text.encode(), durable=True)


def read_manifest(folder: Path) -> dict[str, FinishedFile]:
    """Return the newest entry of each file of a recorded folder, by its path below the folder. Raises OSError."""
    lines = read_lines(folder / MANIFEST)
    entries = (
        FinishedFile(line["file"], line["rows"], line["first"], line["last"], line["sha256"])
        for line in lines
        if line.keys() >= {"file", "rows", "first", "last", "sha256"}
    )
    return {entry.file: entry for entry in entries}


def sha256_of(path: Path) -> str:
    """Return the digest of a file's bytes. Raises OSError."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def append_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Append JSON objects to a file, one a line, durably: all or, if that fails, none. Raises OSError.

    A line that a killed process left unfinished is ended first.
    """
    text = "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines).encode()
    if not text:
        return
    with path.open("a+b") as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(size - 1)
            text = text if file.read(1) == b"\n" else b"\n" + text
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):
                os.ftruncate(file.fileno(), size)
            raise


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the JSON objects of a file, one a line, without lines that are not whole. Raises OSError."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    found = []
    for line in text.split("\n"):
        with suppress(ValueError):
            value = json.loads(line)
            if isinstance(value, dict):
                found.append(value)
    return found
