"""`tickstock report`: results of load tests, drawn again, or side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tickstock_cli.cli.options import Json

COMPARISON = Path("comparison.html")


def report(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="DIR...", show_default=False, help="Folders that tickstock loadtest --out wrote."),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            show_default=False,
            help="Path of the page. Default: report.html in DIR, or comparison.html here for several.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Draw the results of load tests again, or compare several side by side.

    One folder's page, JUnit file and percentile files are written again from its result.json. Several are compared in
    the terminal and on a page. The exit code tells whether the results could be drawn, not whether their targets were
    met.
    """
    from tickstock_cli.loadtest.result import verdicts_json
    from tickstock_cli.loadtest.result_folder import REPORT, read_result, write_views
    from tickstock_cli.measurement.documents import write_file
    from tickstock_cli.storage.names import check_local

    if out is not None:
        check_local(out, "the page")
    results = [read_result(folder) for folder in folders]
    labels = [str(folder) for folder in folders]
    if len(results) == 1:
        write_views(results[0], _folder(folders[0]), out)
        page = out or _folder(folders[0]) / REPORT
    else:
        from tickstock_cli.loadtest.comparison import comparison

        page = out or COMPARISON
        write_file(page, comparison(results, labels).encode())
    if as_json:
        typer.echo(verdicts_json(results, labels))
        return

    from tickstock_cli.cli.console import data_console
    from tickstock_cli.cli.render_result import result_view, results_view

    data_console().print(result_view(results[0]) if len(results) == 1 else results_view(results, labels))
    typer.echo(f"wrote {page}", err=True)


def _folder(path: Path) -> Path:
    """Return the folder of a result that is given by its folder or its file."""
    return path if path.is_dir() else path.parent
