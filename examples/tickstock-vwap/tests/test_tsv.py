"""The sink of tab-separated values: the battery of the test kit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
from tickstock_vwap.tsv import TsvSink

from tickstock_cli.core.events import EVENT_SCHEMA
from tickstock_cli.testing.sinks import SinkContract


class TestTsv(SinkContract):
    """Everything that tickstock asks of a sink."""

    sink = TsvSink
    suffix = "tsv"

    def read(self, path: Path) -> list[dict[str, Any]]:
        """Read the rows back, each field as its column's type."""
        lines = [line.split("\t") for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
        return [dict(zip(lines[0], map(typed, EVENT_SCHEMA, line), strict=True)) for line in lines[1:]]


def typed(field: pa.Field[Any], text: str) -> Any:
    """Return a field of a line as a value of its column."""
    if not text:
        return None
    return float(text) if pa.types.is_floating(field.type) else text if pa.types.is_string(field.type) else int(text)
