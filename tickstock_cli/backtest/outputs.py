"""The folder of a backtest's results: its files get their names together, when each of them is complete."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from tickstock_cli.core.files import for_libraries
from tickstock_cli.core.marks import OutputMark, mark_of
from tickstock_cli.core.os_errors import os_error_hint
from tickstock_cli.errors import OutputError
from tickstock_cli.sinks.outputs import FileOutput, writing
from tickstock_cli.sinks.parquet import ParquetSink
from tickstock_cli.storage.names import check_local

OBSERVATIONS = "observations.parquet"
REPORT = "report.html"
RESULT = "result.json"
NAMES = (
    OBSERVATIONS,
    "cells.parquet",
    "trades.parquet",
    "fills.parquet",
    "orders.parquet",
    "signals.parquet",
    "equity.parquet",
    REPORT,
    RESULT,
)
"""Names of the files of a backtest; there may be others in the folder, which stay as they are."""


class BacktestFolder:
    """Writes the files of a folder under temporary names; ``commit`` gives them their own.

    Use as a context: at its end, files without ``commit`` are removed, and so is the folder if it was made here and is
    empty.

    Parameters
    ----------
    folder
        Made with its parents if it does not exist. Files of an earlier backtest there stay until ``commit``.

    Raises
    ------
    OutputError
        The folder cannot be made or written, or a file there that no backtest wrote has a name of ``NAMES``.
    """

    def __init__(self, folder: Path) -> None:
        check_local(folder, "the folder of a backtest")
        self._folder = folder
        self._made = [path for path in (folder, *folder.parents) if not path.exists()]
        self._files: list[FileOutput | ParquetSink] = []
        self._names: list[str] = []
        if folder.exists() and not folder.is_dir():
            raise OutputError(f"cannot write {folder}: it is a file, and a backtest needs a folder; name another one")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.others = self._strangers()
            """Names of other files in the folder, ascending."""
            # Opened before the run, so that a folder that cannot be written is known at once.
            self._result = FileOutput(str(folder / RESULT))
        except OSError as error:
            self._remove_made()
            raise OutputError(f"cannot write {folder}: {os_error_hint(error)}") from error
        except OutputError:
            self._remove_made()
            raise

    def table(self, name: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
        """Write a Parquet file of rows of ``schema``.

        Raises
        ------
        OutputError
            It cannot be written.
        """
        sink = ParquetSink(str(self._folder / name), schema, OutputMark.BACKTEST)
        self._files.append(sink)
        self._names.append(name)
        for batch in batches:
            sink.write(batch)
        sink.finish()

    def text(self, name: str, text: str) -> None:
        """Write a text file. Raises OutputError."""
        output = FileOutput(str(self._folder / name))
        self._files.append(output)
        self._names.append(name)
        _write(output, text, self._folder / name)

    def commit(self, result: dict[str, Any]) -> tuple[Path, ...]:
        """Write ``result.json``, and give all files their names; return them in the order of ``NAMES``.

        Raises
        ------
        OutputError
            A file cannot be written; before all are complete, none has got its name.
        """
        _write(self._result, json.dumps(result, indent=2, allow_nan=False) + "\n", self._folder / RESULT)
        for file in (*self._files, self._result):
            file.commit()
        self._made.clear()
        return tuple(self._folder / name for name in NAMES if name in (*self._names, RESULT))

    def close(self) -> None:
        """Remove what has no name yet. Idempotent; never raises."""
        for file in (*self._files, self._result):
            file.abort()
        self._remove_made()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _strangers(self) -> tuple[str, ...]:
        """Return the names of other files; refuse to replace what no backtest wrote."""
        there = sorted(path.name for path in self._folder.iterdir() if not path.name.startswith("."))
        ours = _is_ours(self._folder / OBSERVATIONS)
        for name in NAMES:
            if name in there and not (_is_ours(self._folder / name) if name.endswith(".parquet") else ours):
                raise OutputError(
                    f"cannot write {self._folder}: no backtest wrote the {name} there; name another folder"
                )
        return tuple(name for name in there if name not in NAMES)

    def _remove_made(self) -> None:
        for path in self._made:
            with suppress(OSError):  # it is not empty, or was not made
                path.rmdir()


def _write(output: FileOutput, text: str, path: Path) -> None:
    with writing(str(path)):
        output.stream.write(text.encode())
    output.finish()


def _is_ours(path: Path) -> bool:
    """Return whether a file is a table of a backtest."""
    try:
        with for_libraries(path) as source:
            return mark_of(pq.read_schema(source)) == OutputMark.BACKTEST
    except (OSError, pa.ArrowException):
        return False
