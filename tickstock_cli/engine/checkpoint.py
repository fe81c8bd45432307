"""Checkpoints: all that a run needs to continue after a stop with the same results.

A checkpoint directory holds

``checkpoint.json``   the manifest: which files below are valid, with a digest of each; the position of the input, the
                      ledger, and digests of all that decides results; replaced atomically, so it is always
                      complete, and read back only if its own digest matches
``state-N.npz``       all state of the core as arrays, by name
``events-N.arrow``    the events released between checkpoints N - 1 and N
``rejects-N.arrow``   the same for rejected rows, if they are kept
``records``           a folder of files that taps append to; their state says how much of them is valid

On resuming, the kept events go to the outputs first, so that every file is written anew from its beginning and
comes out byte for byte as without the interruption.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from hashlib import file_digest, new
from io import BufferedRandom
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tickstock_cli.core.folder_lock import FolderLock
from tickstock_cli.core.memory_errors import raise_if_short
from tickstock_cli.engine.position import RunPosition
from tickstock_cli.errors import CheckpointError, OutputError, UsageError
from tickstock_cli.storage.names import check_local

MANIFEST = "checkpoint.json"
RECORDS = "records"
NUMBERED = re.compile(r"state-(\d+)\.npz|(?:events|rejects)-(\d+)\.arrow")
VERSION = 3
"""1: segments had room for four phases."""
DIGEST = "blake2b"


class CheckpointStore:
    """Writes and reads the checkpoints of one run.

    Parameters
    ----------
    folder
        Made if it is not there.
    facts
        Digests of all that decides results, by names that a user knows.
    """

    def __init__(self, folder: Path, facts: Mapping[str, str]) -> None:
        check_local(folder, "the folder of checkpoints")
        self.folder = folder
        self._facts = facts
        self._number = 0
        self._digests: dict[str, str] = {}
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
            self.folder.mkdir(parents=True, exist_ok=True)
            strangers = self._strangers()
            if strangers:
                raise OutputError(
                    f"checkpoint folder {self.folder} holds other files ({strangers[0]}); name an empty or new folder"
                )
            self._drop_all_but(0)
            (self.folder / MANIFEST).unlink(missing_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error

    def has_checkpoint(self) -> bool:
        """Return whether the folder holds a checkpoint, whole or damaged."""
        return (self.folder / MANIFEST).exists()

    @contextmanager
    def locked(self) -> Iterator[Self]:
        """Create the folder if necessary, and keep other runs from using it.

        Raises
        ------
        UsageError
            Another run uses it.
        OutputError
            It cannot be created.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FolderLock(self.folder)
        except BlockingIOError as error:
            raise UsageError(
                f"checkpoint folder {self.folder} is in use by another run: wait for its end, or name another folder"
            ) from error
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            yield self
        finally:
            lock.close()

    def kept_rows(self) -> int | None:
        """Return the number of rows up to the checkpoint in the folder; None without a complete checkpoint."""
        try:
            rows: int = self._manifest()["position"]["rows"]
        except CheckpointError:
            return None
        return rows

    def keep_events(self, events: pa.RecordBatch) -> None:
        """Keep released events for the next checkpoint."""
        self._events.append(events)

    def keep_rejects(self, rejects: pa.Table) -> None:
        """Keep rejected rows for the next checkpoint."""
        self._rejects.append(rejects)

    def save(self, state: Mapping[str, NDArray[Any]], position: RunPosition, tickers: Sequence[str]) -> None:
        """Write a checkpoint; the previous one stays valid until this one is complete.

        Parameters
        ----------
        tickers
            The run's, by code.

        Raises
        ------
        OutputError
            It cannot be written.
        """
        number = self._number + 1
        rejects = [batch for table in self._rejects for batch in table.to_batches()]
        try:
            digests = {
                **{name: digest for name, digest in self._digests.items() if not name.startswith("state-")},
                **self._write(f"events-{number}.arrow", lambda stream: _write_batches(stream, self._events)),
                **self._write(f"rejects-{number}.arrow", lambda stream: _write_batches(stream, rejects)),
                **self._write(f"state-{number}.npz", lambda stream: np.savez(stream, **state)),  # type: ignore[arg-type]  # numpy's stub takes keywords for its options
            }
            content = {
                "version": VERSION,
                "run": dict(self._facts),
                "number": number,
                "position": {
                    "rows_by_file": position.positions,
                    "tickers": tuple(tickers),
                    "ledger": dict(position.ledger or {}),
                    "rows": position.rows,
                    "first_time": position.first_time,
                    "market_time": position.market_time,
                },
                "files": digests,
            }
            manifest = json.dumps({"content": content, "digest": _digest_of(content)})
            self._write(f"{MANIFEST}.tmp", lambda stream: stream.write(manifest.encode()))
            os.replace(self.folder / f"{MANIFEST}.tmp", self.folder / MANIFEST)
            self._number, self._digests = number, digests
            self._drop_all_but(number)
        except OSError as error:
            with suppress(OSError):  # a part of a checkpoint fills the disk for the other outputs
                self._drop_all_but(self._number)
            raise self._unwritable(error) from error
        self._events.clear()
        self._rejects.clear()

    def load(self) -> tuple[dict[str, NDArray[Any]], RunPosition, tuple[str, ...]]:
        """Read the newest checkpoint.

        Returns
        -------
        tuple
            The state by name, the position without its counts of events and rejects, and the tickers by code.

        Raises
        ------
        CheckpointError
            There is none, it is damaged, or it belongs to another run.
        """
        content = self._manifest()
        if content["version"] != VERSION:
            raise CheckpointError(
                f"checkpoint {self.folder} is of another version of tickstock: start without --resume"
            )
        differing = [name for name in self._facts if content["run"].get(name) != self._facts[name]]
        if differing:
            raise CheckpointError(
                f"checkpoint {self.folder} belongs to another run: {' and '.join(differing)} differ; "
                "give the same ones, or start without --resume"
            )
        self._number, self._digests = content["number"], content["files"]
        for name, digest in self._digests.items():
            self._check(name, digest)
        try:
            with np.load(self.folder / f"state-{self._number}.npz", allow_pickle=False) as arrays:
                state = {name: arrays[name] for name in arrays.files}
        except OSError as error:
            raise_if_short(error)
            raise self._damaged(str(error)) from error
        stored = content["position"]
        position = RunPosition(
            tuple(stored["rows_by_file"]),
            stored["ledger"],
            stored["rows"],
            first_time=stored["first_time"],
            market_time=stored["market_time"],
            watermark=stored["market_time"],
        )
        return state, position, tuple(stored["tickers"])

    def _manifest(self) -> dict[str, Any]:
        """Read the manifest, and check it against its digest."""
        try:
            manifest = json.loads((self.folder / MANIFEST).read_text(encoding="utf-8"))
            content: dict[str, Any] = manifest["content"]
            if _digest_of(content) == manifest["digest"]:
                return content
        except FileNotFoundError:
            raise CheckpointError(
                f"no checkpoint in {self.folder}: run once with --checkpoint and without --resume"
            ) from None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise self._damaged(f"{MANIFEST}: {error}") from error
        raise self._damaged(f"{MANIFEST} is not as it was written")

    def _check(self, name: str, digest: str) -> None:
        try:
            with (self.folder / name).open("rb") as stream:
                if file_digest(stream, DIGEST).hexdigest() == digest:
                    return
        except OSError as error:
            raise_if_short(error)
            raise self._damaged(f"{name}: {(error.strerror or str(error)).lower()}") from error
        raise self._damaged(f"{name} is not as it was written")

    def _write(self, name: str, fill: Callable[[BufferedRandom], object]) -> dict[str, str]:
        """Write a file, durably, and return its digest by its name."""
        with (self.folder / name).open("w+b") as stream:
            fill(stream)
            stream.flush()
            os.fsync(stream.fileno())
            stream.seek(0)
            return {name: file_digest(stream, DIGEST).hexdigest()}

    def kept_events(self) -> Iterator[pa.RecordBatch]:
        """Return all events released up to the loaded checkpoint, in output order."""
        return self._kept("events")

    def kept_rejects(self) -> Iterator[pa.RecordBatch]:
        """Return all rejected rows kept up to the loaded checkpoint."""
        return self._kept("rejects")

    def _kept(self, name: str) -> Iterator[pa.RecordBatch]:
        for number in range(1, self._number + 1):
            path = self.folder / f"{name}-{number}.arrow"
            try:
                if path.stat().st_size:
                    with path.open("rb") as file, pa.ipc.open_file(file) as reader:
                        for place in range(reader.num_record_batches):
                            yield reader.get_batch(place)
            except (OSError, pa.ArrowInvalid) as error:
                raise_if_short(error)
                raise self._damaged(str(error)) from error

    def _drop_all_but(self, number: int) -> None:
        """Remove states of other checkpoints, and segments beyond this one."""
        for path in self.folder.iterdir():
            its = _number_of(path)
            if its is not None and (its > number or (path.name.startswith("state-") and its != number)):
                path.unlink()

    def _strangers(self) -> list[str]:
        """Return the names of files that are not of a checkpoint, and are not removed."""
        names = sorted(path.name for path in self.folder.iterdir())
        last = sys.maxsize if MANIFEST in names else 1  # the run ended during its first checkpoint
        others = [name for name in names if name not in (MANIFEST, f"{MANIFEST}.tmp", RECORDS)]
        return [name for name in others if not 1 <= (_number_of(self.folder / name) or 0) <= last]

    def _unwritable(self, error: OSError) -> OutputError:
        reason = (error.strerror or str(error)).lower()
        return OutputError(f"cannot write checkpoint {self.folder}: {reason}; free space or name another folder")

    def _damaged(self, what: str) -> CheckpointError:
        return CheckpointError(f"checkpoint {self.folder} is damaged ({what}): start without --resume")


def _number_of(path: Path) -> int | None:
    """Return the number in the name of a state or segment, None for any other file."""
    match = NUMBERED.fullmatch(path.name)
    return int(match[1] or match[2]) if match else None


def _write_batches(stream: BufferedRandom, batches: Sequence[pa.RecordBatch]) -> None:
    """Write batches of one schema; no batches give an empty file."""
    if batches:
        with pa.ipc.new_file(stream, batches[0].schema) as writer:
            for batch in batches:
                writer.write_batch(batch)


def _digest_of(content: Mapping[str, Any]) -> str:
    return new(DIGEST, json.dumps(content, sort_keys=True).encode()).hexdigest()
