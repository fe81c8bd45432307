"""Original rows of a stream that can be read only once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tickstock_cli.core.batch_file import TemporaryFolder
from tickstock_cli.errors import OutputError
from tickstock_cli.sources.kept_rows import KeptRows
from tickstock_cli.sources.recognise import Layout
from tickstock_cli.sources.records import RECORD_TYPES

LAYOUT = Layout(RECORD_TYPES[0], {"ticker": "ticker", "price": "last"}, {}, ())


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[KeptRows]:
    """Return five rows that arrived in two batches."""
    with closing(TemporaryFolder(tmp_path)) as folder:
        kept = KeptRows("arrow:-", folder)
        kept.keep(0, pa.record_batch({"ticker": ["A", "B"], "last": [1.0, 2.0]}), LAYOUT)
        kept.keep(2, pa.record_batch({"ticker": ["C", "D", "E"], "last": [3.0, 4.0, 5.0]}), LAYOUT)
        yield kept
        kept.discard()


def test_rows_come_back_under_our_names_in_the_order_asked_for(kept: KeptRows) -> None:
    """One row as it was sent; several as a table, each with its reason."""
    table = kept.table(np.array([4, 0, 2]), ["late", "late", "future"])

    assert kept.fetch(3) == (Path("arrow:-"), 3, {"ticker": "D", "last": 4.0})
    assert table["price"].to_pylist() == [5.0, 1.0, 3.0]
    assert table["row"].to_pylist() == [4, 0, 2]
    assert table["reason"].to_pylist() == ["late", "late", "future"]


def test_rows_that_the_disk_lost_are_told(kept: KeptRows) -> None:
    """A table of rejected rows that lacks some would be success after a loss."""
    assert kept._file is not None
    os.ftruncate(kept._file.fileno(), 10)

    with pytest.raises(
        OutputError, match="cannot read back rows of arrow:- in a temporary file: the file was cut short"
    ):
        kept.table(np.array([0]), ["late"])
