"""The folder of a load test's result.

=================  ==============================================================
result.json        everything; `docs/schemas/load-result.json` describes it
junit.xml          the verdicts, for CI systems
report.html        the report page, in one file that needs no network
latency/*.hgrm     percentile distributions, for HdrHistogram's plotters
=================  ==============================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tickstock_cli.errors import DataError
from tickstock_cli.loadtest.report import report
from tickstock_cli.loadtest.result import Result, from_json, to_json
from tickstock_cli.measurement.documents import write_files
from tickstock_cli.measurement.histogram import Histogram
from tickstock_cli.measurement.junit import junit
from tickstock_cli.measurement.machine import facts
from tickstock_cli.storage.names import check_local

RESULT, JUNIT, REPORT, LATENCY = "result.json", "junit.xml", "report.html", "latency"


def read_result(folder: Path) -> Result:
    """Read the result in a folder that ``loadtest --out`` wrote; its result.json is accepted, too.

    Raises
    ------
    DataError
        The file is missing, cannot be read, or holds no result.
    UsageError
        The folder is in an object store.
    """
    check_local(folder, "the result of a load test")
    path = folder / RESULT if folder.is_dir() else folder
    try:
        text = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"cannot read {path}: {reason}; name a folder that tickstock loadtest --out wrote") from error
    return from_json(text, str(path))


def write_result(result: Result, folder: Path) -> None:
    """Write all files of a result; each file is written whole, and replaces the one of an earlier run.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    write_files([(folder / RESULT, lambda: to_json(result)), *_views(result, folder)])


def write_views(result: Result, folder: Path, page: Path | None = None) -> None:
    """Write the files that are made from result.json.

    Parameters
    ----------
    page
        Path of the report page; None for report.html in the folder.

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    write_files(_views(result, folder, page))


def _views(result: Result, folder: Path, page: Path | None = None) -> Iterator[tuple[Path, Callable[[], bytes]]]:
    """Yield the paths of these files, and what makes their contents."""
    seen = result.observation
    length = max((second.at + 1 for second in seen.seconds), default=0.0)
    suite = f"tickstock.loadtest.{seen.name}"
    yield folder / JUNIT, lambda: junit(suite, result.verdicts, seconds=length, properties=facts(seen.machine))
    for stale in (folder / LATENCY).glob("*.hgrm"):
        if stale.stem not in seen.whole:
            stale.unlink(missing_ok=True)  # left by the run whose result is replaced
    for name, text in seen.whole.items():
        yield folder / LATENCY / f"{name}.hgrm", partial(_percentiles, text)
    yield page or folder / REPORT, lambda: report(result).encode()


def _percentiles(text: str) -> bytes:
    return Histogram.decode(text).export().encode()
