"""Sources: what feeds rows into a run. Adding one means one file here and one line below."""

PARTS = {
    "recordings": "tickstock_cli.sources.recordings:Recordings",
}
