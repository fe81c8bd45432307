"""`python -m tickstock_cli` is `tickstock`."""

from tickstock_cli.cli.main import run

run()
