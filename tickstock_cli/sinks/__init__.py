"""Sinks: where events go. Adding one means one file here and one line below.

A sink's name is its file suffix, without the dot.
"""

PARTS = {
    "parquet": "tickstock_cli.sinks.parquet:ParquetSink",
    "jsonl": "tickstock_cli.sinks.jsonl:JsonlSink",
    "csv": "tickstock_cli.sinks.csv:CsvSink",
}
