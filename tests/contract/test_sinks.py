"""Every registered sink keeps the contract that plugins are held to."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from tickstock_cli.core.events import EVENT_SCHEMA
from tickstock_cli.sinks import SINKS
from tickstock_cli.testing.sinks import SinkContract


class TestEverySink(SinkContract):
    """The battery, for every line of the table."""

    @pytest.fixture(params=SINKS.parts, autouse=True)
    def _choose(self, request: pytest.FixtureRequest) -> None:
        self.suffix = request.param
        self.sink = SINKS.load_own(request.param)

    def read(self, path: Path) -> list[dict[str, Any]]:
        """Read an event file with a library that did not write it."""
        if path.suffix == ".parquet":
            return pl.read_parquet(path).to_dicts()
        if path.suffix == ".jsonl":
            return [json.loads(line) for line in path.read_bytes().splitlines()]
        with path.open(newline="", encoding="utf-8") as file:
            return [{name: _typed(name, value) for name, value in row.items()} for row in csv.DictReader(file)]


def _typed(name: str, text: str) -> Any:
    """Return a field of a CSV file as a value of its column."""
    type_ = EVENT_SCHEMA.field(name).type
    if not text:
        return None
    return float(text) if pa.types.is_floating(type_) else text if pa.types.is_string(type_) else int(text)
