"""Options that several commands share, and the parsing of their texts."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tickstock_cli.cli.path_mistakes import check_paths
from tickstock_cli.cli.setting_origins import remember_origins
from tickstock_cli.core.column_maps import parse_maps
from tickstock_cli.core.time_input import TimeInput, parse_time_input
from tickstock_cli.errors import UsageError

if TYPE_CHECKING:
    from tickstock_cli.config.load import Assigned, Loaded
    from tickstock_cli.config.settings import Settings
    from tickstock_cli.sources.options import Unsorted

MAX_BATCH_ROWS = 262_144
MAX_WORKERS = 64


class Late(StrEnum):
    """Policy for rows that are late in their file."""

    FAIL = "fail"
    REJECT = "reject"


class TickerPlace(StrEnum):
    """Where the ticker is in files without a column for it."""

    COLUMN = "column"
    FILENAME = "filename"
    FOLDER = "folder"


SAMPLE = "sample_data"
"""The sample recording that travels with the package."""


def find_samples(context: typer.Context, paths: list[str]) -> list[str]:
    """Return paths, with the sample's name replaced as in ``find_sample``.

    Raises
    ------
    DataError
        A path seems to be something else, as ``check_paths`` says.
    """
    found = [str(find_sample(context, Path(path))) if path.rstrip(os.sep) == SAMPLE else path for path in paths]
    if not context.resilient_parsing:
        check_paths(context, found)
    return found


def find_sample(context: typer.Context, path: Path) -> Path:
    """Return a path, or the folder of the installed sample if the path has its name and does not exist.

    A note on stderr names the folder.
    """
    from tickstock_cli.core.shipped import shipped_folder

    shipped = shipped_folder(SAMPLE)
    if path != Path(SAMPLE) or path.exists() or not shipped.is_dir():
        return path
    if not context.resilient_parsing:
        print(f"note: there is no {SAMPLE} here; reading the one that tickstock brings, {shipped}", file=sys.stderr)
    return shipped


_RECORDINGS = "Parquet files, folders, globs or Hive-partitioned trees, also at s3:// and gs://"
Paths = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH", show_default=False, callback=find_samples, help=f"{_RECORDINGS}; or arrow:- for a pipe."
    ),
]
StoredPaths = Annotated[
    list[str],
    typer.Argument(metavar="PATH", show_default=False, callback=find_samples, help=f"{_RECORDINGS}."),
]
"""Recordings that are read more than once, or judged as files, which no pipe can be."""
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", show_default=False, help="Configuration; default ./tickstock.toml."),
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        show_default=False,
        help="Change one setting, as in highlow.cooldown_seconds=0. Repeatable; beats file and environment.",
    ),
]
MapColumns = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="OURS=THEIRS",
        show_default=False,
        help="Name a column of the recordings, as in price=last. Repeatable.",
    ),
]
WhereValues = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="COLUMN=A,B",
        show_default=False,
        help="Read only rows with these values in a column, as in action=T. Repeatable: every column must agree.",
    ),
]
TickerFromName = Annotated[
    TickerPlace | None,
    typer.Option(
        "--ticker-from",
        show_default=False,
        help="Where the ticker is in files without a column for it: filename takes the beginning of their names, "
        "folder the name of their folder.",
    ),
]
ShadowFile = Annotated[
    Path | None,
    typer.Option(
        "--shadow",
        metavar="FILE",
        show_default=False,
        help="Run a second configuration, this file over the defaults, on the same rows. Its events go beside those of "
        "--out, as in events.shadow.jsonl.",
    ),
]
Symbols = Annotated[
    list[str] | None,
    typer.Option(
        "--symbols",
        metavar="A,B|@FILE",
        show_default=False,
        help="Only these tickers, or those a file lists. Repeatable.",
    ),
]
Start = Annotated[
    TimeInput | None,
    typer.Option(
        "--start",
        metavar="TIME",
        show_default=False,
        parser=parse_time_input,
        help="Only rows available at or after it: ISO 8601 (without a zone: of recordings.timezone), an integer since "
        "1970, or a time of day in New York such as 09:30, if the recording has one date.",
    ),
]
End = Annotated[
    TimeInput | None,
    typer.Option(
        "--end",
        metavar="TIME",
        show_default=False,
        parser=parse_time_input,
        help="Only rows available before it, likewise.",
    ),
]
Outs = Annotated[
    list[str] | None,
    typer.Option(
        "--out",
        metavar="FILE",
        show_default=False,
        help="Write events to .parquet, .jsonl or .csv, or - for JSON lines on stdout. Repeatable.",
    ),
]
Strategies = Annotated[
    list[str] | None,
    typer.Option(
        "--strategy",
        metavar="S.toml|module:Class",
        show_default=False,
        help="Trade the events by the rules of this file, or by this class. Repeatable; each has its own books.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Sort = Annotated[bool, typer.Option("--sort", help="Sort recordings that are not in time order, on disk.")]
LateRows = Annotated[
    Late, typer.Option("--late", help="Rows out of time order: fail at the first, or reject and count each.")
]
BatchRows = Annotated[
    int,
    typer.Option("--batch-rows", min=1, max=MAX_BATCH_ROWS, help="Rows computed at once; events do not depend on it."),
]
Workers = Annotated[
    int,
    typer.Option("--workers", min=1, max=MAX_WORKERS, help="Threads that run detectors; events do not depend on it."),
]


def parse_symbols(texts: Sequence[str] | None, option: str = "--symbols") -> frozenset[str] | None:
    """Read every ``option``: tickers separated by commas, or ``@FILE``, which is read like a universe.

    Blanks inside a ticker belong to it. Without an option the result is None: every ticker.

    Raises
    ------
    UsageError
        A file cannot be read, or an option names no ticker.
    """
    from tickstock_cli.config.universes import FILE_MARK, read_tickers, split_tickers

    symbols: set[str] = set()
    for text in texts or ():
        if text.startswith(FILE_MARK):
            path = text.removeprefix(FILE_MARK)
            try:
                named = read_tickers(Path(path))
            except ValueError as error:
                reason = str(error).removeprefix(f"cannot read {path}: ").replace(f"{path} is", "it is", 1)
                raise UsageError(f"cannot read the tickers of {option} {text}: {reason}") from error
        else:
            named = [ticker for line in text.splitlines() for ticker in split_tickers(line)]
        if not named:
            raise UsageError(f"{option} {text} names no ticker; write A,B or @FILE")
        symbols.update(named)
    return frozenset(symbols) or None


def parse_wheres(texts: Sequence[str]) -> dict[str, list[str]]:
    """Read every ``--where column=a,b``; a column that is named again gets more values.

    Raises
    ------
    UsageError
        A text is not of this form.
    """
    columns: dict[str, list[str]] = {}
    for text in texts:
        column, equals, values = text.partition("=")
        if not (column and equals):
            raise UsageError(f"--where {text}: write column=value, as in action=T")
        columns.setdefault(column, []).extend(value.strip() for value in values.split(","))
    return columns


def load_settings(
    config: Path | None,
    sets: Sequence[str | Assigned] | None,
    maps: Sequence[str] | None = None,
    wheres: Sequence[str] | None = None,
    ticker_from: TickerPlace | None = None,
) -> Loaded[Settings]:
    """Load the settings of this process: default < file < environment < ``--set`` and the options of recordings.

    Raises
    ------
    UsageError
        A column is mapped twice.
    SettingsError
        A key is unknown or a value out of range.
    """
    from tickstock_cli import build
    from tickstock_cli.config.load import Assigned

    columns = parse_maps(maps or ()).items()
    mapped = [Assigned(f"recordings.columns.{ours}", theirs, "--map") for ours, theirs in columns]
    chosen = [
        Assigned(f"recordings.where.{column}", values, "--where")
        for column, values in parse_wheres(wheres or ()).items()
    ]
    if ticker_from is not None:
        chosen.append(Assigned("recordings.ticker_from", ticker_from.value, "--ticker-from"))
    loaded = build.load_settings(file=config, environment=os.environ, assignments=[*(sets or ()), *mapped, *chosen])
    remember_origins(loaded.origins)
    return loaded


def split_sets(sets: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """Return the assignments of ``--set`` to settings of a run, and those to strategies."""
    from tickstock_cli.backtest.strategies import is_for_strategies

    given = list(sets or ())
    return [text for text in given if not is_for_strategies(text)], [text for text in given if is_for_strategies(text)]


def load_shadow(file: Path | None, main: Settings) -> Settings | None:
    """Load the settings of ``--shadow``: default < file; those that decide the rows are the run's.

    Raises
    ------
    UsageError
        The file sets one of these to another value.
    SettingsError
        A key is unknown or a value out of range.
    """
    if file is None:
        return None
    from tickstock_cli import build
    from tickstock_cli.config.same_rows import check_same_rows, with_rows_of

    shadow = with_rows_of(main, build.load_settings(file=file, environment={}, assignments=()))
    check_same_rows(str(file), shadow, main)
    return shadow


def unsorted_choice(sort: bool, late: Late) -> Unsorted:
    """Return the policy of ``--sort`` and ``--late`` for files that are not in order.

    Raises
    ------
    UsageError
        Both were given.
    """
    from tickstock_cli.sources.options import Unsorted

    if sort and late is Late.REJECT:
        raise UsageError("--sort and --late reject exclude each other; choose one")
    if sort:
        return Unsorted.SORT
    return Unsorted.REJECT if late is Late.REJECT else Unsorted.FAIL
