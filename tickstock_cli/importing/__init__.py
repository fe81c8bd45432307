"""Imports: files of vendors and other tools become recordings that replay reads best.

A new format is one file here and one line in the table below. Its name is that of its command, ``tickstock import
NAME``, and the fields of its ``Params`` are the options of the command.
"""

from __future__ import annotations

from tickstock_cli.core.registry import Family

PARTS = {
    "polygon-flatfiles": "tickstock_cli.importing.polygon_flatfiles:PolygonFlatFiles",
    "lean": "tickstock_cli.importing.lean:LeanFiles",
    "csv": "tickstock_cli.importing.csv_files:CsvFiles",
}

FORMATS = Family("import format", PARTS, ("Params", "chunks", "notes", "preview", "sources"))
