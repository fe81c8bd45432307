"""The schemas of recorded rows."""

from __future__ import annotations

from tickstock_cli.core.recording_schema import RECORDED
from tickstock_cli.sources.records import RECORD_TYPES


def test_every_record_type_has_a_schema_with_the_columns_that_a_replay_reads() -> None:
    """A recording is replayed by the source of recordings, which finds its columns by name and type."""
    assert tuple(RECORDED) == tuple(record.name for record in RECORD_TYPES)
    for record in RECORD_TYPES:
        types = {field.name: field.type for field in RECORDED[record.name]}
        assert set(record.required) <= set(types)
        assert all(column.accepts(types[name]) for name, column in record.columns.items() if name in types)
