"""A running system's process does not walk through what is there to stay, again and again, with all threads waiting."""

from __future__ import annotations

import gc
from contextlib import ExitStack

import pyarrow as pa
import pytest

from tickstock_cli.build import build_core, settings_model
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.runtime.opening import PipelineName, open_pipeline
from tickstock_cli.sources.rows import RowIngest

NOON = 1_718_208_000_000_000_000


@pytest.mark.usefixtures("freezing")
def test_objects_before_the_first_row_are_not_collected_during_the_run() -> None:
    """Modules and compiled kernels: a full collection took longer than an event may take on its way."""
    settings, symbols = settings_model()(), SymbolTable()
    row = pa.RecordBatch.from_pydict({"ticker": ["IBM"], "timestamp": [NOON], "price": [1.0], "size": [1]})
    with ExitStack() as stack:
        pipeline = open_pipeline(PipelineName.MULTI, settings, build_core(settings, symbols), stack)
        assert gc.get_freeze_count() == 0

        pipeline.prepare(RowIngest(symbols, 60).merged(row))

        assert gc.get_freeze_count() > 10_000
    assert gc.get_freeze_count() == 0
