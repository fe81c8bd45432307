"""Sources of rows. A new source is one file here and one line in the table below.

The line of one that has settings names their class, too, in a module of its own: a configuration is read without
loading any source. A source's name is the scheme of its targets: ``arrow:-``. A target without one is a path of
recordings.
"""

from __future__ import annotations

from tickstock_cli.core.registry import Family, Part

_VENDORS = "tickstock_cli.vendors"

PARTS: dict[str, str | Part] = {
    "recordings": "tickstock_cli.sources.recordings:Recordings",
    "arrow": Part("tickstock_cli.sources.arrow:ArrowStream", "tickstock_cli.sources.arrow_params:ArrowParams"),
    "polygon": Part(f"{_VENDORS}.polygon.source:PolygonSource", f"{_VENDORS}.polygon.params:PolygonParams"),
}

SOURCES = Family("source", PARTS, ("batches", "close", "interrupt", "open", "origins"))
