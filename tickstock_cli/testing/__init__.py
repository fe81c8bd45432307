"""The test kit, for the project's tests and for tests of plugins.

``records`` has records, a source, a sink and a clock that need no files, threads or waits; its names are exported here,
too. A test lists records, runs them, and checks the events:

>>> from tickstock_cli.testing import SECOND, Tick, new_york, run_records
>>> start = new_york("2024-06-12", "10:00:00")
>>> events = run_records([Tick("ABC", start, 100.0), Tick("ABC", start + 2 * SECOND, 101.0)]).events
>>> [(event["kind"], event["price"], event["previous"]) for event in events]
[('high', 101.0, 100.0)]

``detectors``, ``sources``, ``sinks``, ``transports`` and ``taps`` have the contract of each family as a class of tests.
In a test module, a subclass that names a part runs all of them in pytest.
"""

from tickstock_cli.testing.records import (
    BATCH_ROWS,
    MILLISECOND,
    MINUTE,
    RECORDS,
    SECOND,
    Bar,
    FairValue,
    ListSink,
    ListSource,
    ManualClock,
    Record,
    RunOutput,
    Tick,
    as_record,
    new_york,
    records,
    run_records,
    settings_of,
)

__all__ = [
    "BATCH_ROWS",
    "MILLISECOND",
    "MINUTE",
    "RECORDS",
    "SECOND",
    "Bar",
    "FairValue",
    "ListSink",
    "ListSource",
    "ManualClock",
    "Record",
    "RunOutput",
    "Tick",
    "as_record",
    "new_york",
    "records",
    "run_records",
    "settings_of",
]
