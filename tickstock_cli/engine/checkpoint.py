"""Checkpoints: everything a run needs to go on as if it had never stopped.

A checkpoint directory holds

``checkpoint.json``   the manifest: which files below are valid, where the input stands, the ledger, and a
                      fingerprint of what the run computes; replaced atomically, so it is always whole
``state-N.npz``       all state of the core as arrays, by name
``events-N.arrow``    the events released between checkpoints N - 1 and N
``rejects-N.arrow``   the same for rejected rows, if they are kept

On resuming, the kept events go to the outputs first, so that every file is written anew from its beginning and
comes out byte for byte as without the interruption.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tickstock_cli.errors import CheckpointError, OutputError

MANIFEST = "checkpoint.json"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Position:
    """Where a run stood: rows used up of each file, tickers by code, counts, and rows and market time so far."""

    rows_by_file: tuple[int, ...]
    tickers: tuple[str, ...]
    ledger: dict[str, int]
    rows: int
    first_time: int
    market_time: int


class CheckpointStore:
    """Writes and reads the checkpoints of one run.

    Parameters
    ----------
    folder
        Made if it is not there.
    fingerprint
        Hash of all that decides results: settings, input files, selection.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._folder = folder
        self._fingerprint = fingerprint
        self._number = 0
        self._events: list[pa.RecordBatch] = []
        self._rejects: list[pa.Table] = []

    def begin(self) -> None:
        """Make the folder ready for a run from the start, dropping the checkpoints of an earlier one.

        Raises
        ------
        OutputError
            The folder cannot be written, or holds files that are not checkpoints.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            strangers = [path.name for path in self._folder.iterdir() if not _is_ours(path)]
            if strangers:
                raise OutputError(
                    f"checkpoint folder {self._folder} holds other files ({strangers[0]}); name an empty or new folder"
                )
            (self._folder / MANIFEST).unlink(missing_ok=True)
            self._drop_all_but(0)
        except OSError as error:
            raise self._unwritable(error) from error

    def keep_events(self, events: pa.RecordBatch) -> None:
        """Remember released events for the next checkpoint."""
        self._events.append(events)

    def keep_rejects(self, rejects: pa.Table) -> None:
        """Remember rejected rows for the next checkpoint."""
        self._rejects.append(rejects)

    def save(self, state: Mapping[str, NDArray[Any]], position: Position) -> None:
        """Write a checkpoint; the former one stays valid until this one is whole.

        Raises
        ------
        OutputError
            It cannot be written.
        """
        number = self._number + 1
        try:
            _write_batches(self._folder / f"events-{number}.arrow", self._events)
            _write_batches(
                self._folder / f"rejects-{number}.arrow", [b for table in self._rejects for b in table.to_batches()]
            )
            with (self._folder / f"state-{number}.npz").open("wb") as stream:
                np.savez(stream, **state)  # type: ignore[arg-type]  # numpy's stub takes keywords for its options
                _sync(stream)
            manifest = {
                "version": VERSION,
                "fingerprint": self._fingerprint,
                "number": number,
                "position": asdict(position),
            }
            temporary = self._folder / f"{MANIFEST}.tmp"
            with temporary.open("w", encoding="utf-8") as text:
                json.dump(manifest, text)
                _sync(text)
            os.replace(temporary, self._folder / MANIFEST)
            self._number = number
            self._drop_all_but(number)
        except OSError as error:
            raise self._unwritable(error) from error
        self._events.clear()
        self._rejects.clear()

    def load(self) -> tuple[dict[str, NDArray[Any]], Position]:
        """Read the newest checkpoint.

        Raises
        ------
        CheckpointError
            There is none, it is damaged, or it belongs to another run.
        """
        try:
            manifest = json.loads((self._folder / MANIFEST).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise CheckpointError(
                f"no checkpoint in {self._folder}: run once with --checkpoint and without --resume"
            ) from None
        except (OSError, ValueError) as error:
            raise self._damaged(error) from error
        if manifest.get("version") != VERSION:
            raise CheckpointError(
                f"checkpoint {self._folder} is of another version of tickstock: start without --resume"
            )
        if manifest["fingerprint"] != self._fingerprint:
            raise CheckpointError(
                f"checkpoint {self._folder} belongs to another run: its input files, settings or selection differ; "
                "give the same ones, or start without --resume"
            )
        try:
            self._number = int(manifest["number"])
            position = Position(**manifest["position"])
            with np.load(self._folder / f"state-{self._number}.npz", allow_pickle=False) as arrays:
                state = {name: arrays[name] for name in arrays.files}
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise self._damaged(error) from error
        return state, position

    def kept_events(self) -> Iterator[pa.RecordBatch]:
        """Give all events released up to the loaded checkpoint, in output order."""
        return self._kept("events")

    def kept_rejects(self) -> Iterator[pa.RecordBatch]:
        """Give all rejected rows kept up to the loaded checkpoint."""
        return self._kept("rejects")

    def _kept(self, name: str) -> Iterator[pa.RecordBatch]:
        for number in range(1, self._number + 1):
            path = self._folder / f"{name}-{number}.arrow"
            try:
                if path.stat().st_size:
                    with pa.ipc.open_file(str(path)) as reader:
                        for place in range(reader.num_record_batches):
                            yield reader.get_batch(place)
            except (OSError, pa.ArrowInvalid) as error:
                raise self._damaged(error) from error

    def _drop_all_but(self, number: int) -> None:
        """Remove states of other checkpoints, and segments beyond this one."""
        for path in self._folder.iterdir():
            if not _is_ours(path) or path.name == MANIFEST:
                continue
            its = int(path.stem.rpartition("-")[2]) if "-" in path.stem else number + 1
            if its > number or (path.name.startswith("state-") and its != number):
                path.unlink()

    def _unwritable(self, error: OSError) -> OutputError:
        return OutputError(
            f"cannot write checkpoint {self._folder}: {error.strerror or error}; free space or name another"
        )

    def _damaged(self, error: Exception) -> CheckpointError:
        return CheckpointError(f"checkpoint {self._folder} is damaged ({error}): start without --resume")


def _is_ours(path: Path) -> bool:
    name = path.name
    return name in (MANIFEST, f"{MANIFEST}.tmp") or (
        name.startswith(("state-", "events-", "rejects-")) and path.suffix in (".npz", ".arrow")
    )


def _write_batches(path: Path, batches: Sequence[pa.RecordBatch]) -> None:
    """Write batches of one schema; no batches give an empty file."""
    with path.open("wb") as stream:
        if batches:
            with pa.ipc.new_file(stream, batches[0].schema) as writer:
                for batch in batches:
                    writer.write_batch(batch)
        _sync(stream)


def _sync(stream: Any) -> None:
    stream.flush()
    os.fsync(stream.fileno())
