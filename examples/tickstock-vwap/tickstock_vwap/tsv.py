"""A sink: events as tab-separated values, with a line of names at the top."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from tickstock_cli.sinks.outputs import open_output, writing


class TsvSink:
    """Writes ``events.tsv``. Null is an empty field; strings of events hold no tab and no line break."""

    def __init__(self, target: str, schema: pa.Schema) -> None:
        self._target = target
        self._output = open_output(target)
        self._write_lines([schema.names])

    def write(self, events: pa.RecordBatch) -> None:
        self._write_lines(["" if value is None else value for value in row.values()] for row in events.to_pylist())

    def finish(self) -> None:
        self._output.finish()

    def commit(self) -> None:
        self._output.commit()

    def commit_partial(self) -> str:
        return self._output.commit_partial()

    def abort(self) -> None:
        self._output.abort()

    def _write_lines(self, rows: Iterable[list[Any]]) -> None:
        text = "".join("\t".join(map(str, values)) + "\n" for values in rows)
        with writing(self._target):
            self._output.stream.write(text.encode())
