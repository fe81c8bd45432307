"""Sinks of events. A new sink is one file here and one line in the table below.

A sink's name is its file suffix, without the dot. A plugin's is also the scheme of its targets: ``kafka:topic``.
"""

from __future__ import annotations

from tickstock_cli.core.registry import Family

PARTS = {
    "parquet": "tickstock_cli.sinks.parquet:ParquetSink",
    "jsonl": "tickstock_cli.sinks.jsonl:JsonlSink",
    "csv": "tickstock_cli.sinks.csv:CsvSink",
}

SINKS = Family("sink", PARTS, ("abort", "commit", "finish", "write"))
