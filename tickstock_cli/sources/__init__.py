"""Sources of rows. A new source is one file here and one line in the table below.

One that has settings has a line in the second table, too. A source's name is the scheme of its targets: ``arrow:-``.
A target without one is a path of recordings.
"""

from __future__ import annotations

from tickstock_cli.core.registry import Family

PARTS = {
    "recordings": "tickstock_cli.sources.recordings:Recordings",
    "arrow": "tickstock_cli.sources.arrow:ArrowStream",
    "polygon": "tickstock_cli.vendors.polygon.source:PolygonSource",
}

PARAMS = {
    "arrow": "tickstock_cli.sources.arrow_params:ArrowParams",
    "polygon": "tickstock_cli.vendors.polygon.params:PolygonParams",
}
"""The ``Params`` of the sources above that have settings: a configuration is read without loading any source."""

SOURCES = Family("source", PARTS, ("batches", "close", "interrupt", "open", "origins"))
