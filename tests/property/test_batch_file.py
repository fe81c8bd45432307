"""Whatever the batches: what is read back from disk is what was written, to the bit and in its order."""

from __future__ import annotations

from contextlib import closing
from dataclasses import fields

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.core.batch import DTYPES, BarBatch, Batch, FmvBatch, MergedBatch, TickBatch
from tickstock_cli.core.batch_file import TemporaryFolder
from tickstock_cli.engine.spill import Spill


@st.composite
def batches(draw: st.DrawFn, kind: type[Batch]) -> Batch:
    """Draw up to 20 rows of any bits, NaN with any payload included; now and then as every other row of more."""
    step = draw(st.sampled_from((1, 2)))
    rows = draw(st.integers(0, 20)) * step
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    columns = {field.name: random.bytes(rows * DTYPES[field.name].itemsize) for field in fields(kind)}
    return kind(**{name: np.frombuffer(stored, DTYPES[name])[::step] for name, stored in columns.items()})


def bits(batch: Batch, *without: str) -> list[tuple[str, str, bytes]]:
    """Return name, dtype and bytes of every column."""
    columns = {field.name: getattr(batch, field.name) for field in fields(batch) if field.name not in without}
    return [(name, str(column.dtype), column.tobytes()) for name, column in columns.items()]


ANY = st.one_of(batches(TickBatch), batches(BarBatch), batches(FmvBatch))


@given(st.lists(ANY, max_size=6), st.booleans())
def test_every_batch_comes_back_to_the_bit(written: list[Batch], has_order: bool) -> None:
    """Types may be mixed and batches empty; columns are aligned for the kernels, and nobody can write into them."""
    with closing(TemporaryFolder()) as folder:
        file = folder.batch_file(has_order=has_order)
        for batch in written:
            file.write(batch)
        read = [file.read(number) for number in range(len(file))]

    without = () if has_order else ("order",)
    assert [type(batch) for batch in read] == [type(batch) for batch in written]
    assert [bits(batch, *without) for batch in read] == [bits(batch, *without) for batch in written]
    columns = [getattr(batch, field.name) for batch in read for field in fields(batch)]
    assert all(column.flags.aligned and not column.flags.writeable for column in columns)
    assert has_order or all(batch.order.tobytes() == batch.origin.tobytes() for batch in read)


@given(st.lists(st.tuples(batches(TickBatch), batches(BarBatch), batches(FmvBatch)), max_size=5), st.data())
def test_spilled_rows_come_back_oldest_first(parts: list[tuple[Batch, Batch, Batch]], data: st.DataObject) -> None:
    """However writing and taking alternate; the rows on disk are counted by type at every moment."""
    written = [MergedBatch(*each, first, first + 7, ()) for first, each in enumerate(parts)]  # type: ignore[arg-type]  # drawn by type
    waiting: list[MergedBatch] = []
    with closing(Spill()) as spill:
        while written or waiting:
            if written and (not waiting or data.draw(st.booleans())):
                waiting.append(written.pop(0))
                spill.write(waiting[-1], waiting[-1].first * 3, None)
            else:
                expected, (spilled, batch) = waiting.pop(0), spill.oldest()
                spill.drop()
                assert spilled.received == expected.first * 3
                assert (batch.first, batch.watermark) == (expected.first, expected.watermark)
                for part in ("ticks", "bars", "fmvs"):
                    assert bits(getattr(batch, part)) == bits(getattr(expected, part))
            assert sum(spill.rows.values()) == sum(len(batch) for batch in waiting)
            assert len(spill) == len(waiting)
