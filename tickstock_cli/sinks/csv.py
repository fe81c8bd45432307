"""CSV: a header, then one line a row; nothing between two commas is a null."""

from __future__ import annotations

from contextlib import suppress

import pyarrow as pa
import pyarrow.csv as pa_csv

from tickstock_cli.sinks.outputs import FileOutput, writing


class CsvSink:
    """Rows of ``schema`` in one CSV file, strings in double quotes, numbers as short as they read back equal."""

    def __init__(self, target: str, schema: pa.Schema) -> None:
        self._target = target
        self._output = FileOutput(target)
        try:
            with writing(target):
                self._writer = pa_csv.CSVWriter(self._output.stream, schema)
        except BaseException:
            self._output.abort()
            raise

    def write(self, events: pa.RecordBatch) -> None:
        """See ``Sink.write``."""
        with writing(self._target):
            self._writer.write_batch(events)

    def finish(self) -> None:
        """See ``Sink.finish``."""
        with writing(self._target):
            self._writer.close()
        self._output.finish()

    def commit(self) -> None:
        """See ``Sink.commit``."""
        self.finish()
        self._output.commit()

    def abort(self) -> None:
        """See ``Sink.abort``."""
        with suppress(Exception):
            self._writer.close()
        self._output.abort()
