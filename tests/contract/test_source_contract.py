"""Every registered source keeps the contract that plugins are held to; `test_sources` goes on with hostile rows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.market import FILES, write_recording
from tests.contract.test_sources import TARGETS
from tickstock_cli.sources import SOURCES
from tickstock_cli.testing import Record
from tickstock_cli.testing.records import ListSource
from tickstock_cli.testing.sources import SourceContract


class TestEverySource(SourceContract):
    """The battery, for every line of the table but the feeds, whose rows have the time of their receipt."""

    @pytest.fixture(params=TARGETS, autouse=True)
    def _choose(self, request: pytest.FixtureRequest) -> None:
        self.name = request.param
        self.source = SOURCES.load_own(request.param)

    def targets(self, rows: Sequence[Record], folder: Path) -> list[str]:
        """Write Parquet files; for a stream, write their rows in merge order, a new stream for each change of type."""
        write_recording(rows, folder / "day")
        if self.name == "recordings":
            return [str(folder / "day")]
        tables = {record: pq.read_table(folder / "day" / file) for record, file in FILES.items()}
        taken = dict.fromkeys(tables, 0)
        sink = pa.BufferOutputStream()
        (merged,) = ListSource(rows).batches(1000)
        batches = zip(tables, (merged.ticks, merged.bars, merged.fmvs), strict=True)
        merge_order = sorted((order, name) for name, part in batches for order in part.order.tolist())
        for name, run in groupby(name for _, name in merge_order):
            length = len(list(run))
            with pa.ipc.new_stream(sink, tables[name].schema) as stream:
                stream.write_table(tables[name].slice(taken[name], length))
            taken[name] += length
        (folder / "rows.arrow").write_bytes(sink.getvalue().to_pybytes())
        return [str(folder / "rows.arrow")]


def test_a_configuration_has_the_settings_of_each_source() -> None:
    """The settings in the lines of the table, read without loading sources, are those of the sources."""
    classes = {name: SOURCES.load_own(name) for name in SOURCES.parts}

    assert SOURCES.own_params() == {name: cls.Params for name, cls in classes.items() if hasattr(cls, "Params")}
