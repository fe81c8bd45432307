"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tickstock_cli.core.times import parse_time
from tickstock_cli.errors import UsageError

if TYPE_CHECKING:
    from tickstock_cli.config.load import Loaded
    from tickstock_cli.config.settings import Settings
    from tickstock_cli.sources.options import Unsorted

MAX_BATCH_ROWS = 262_144
MAX_WORKERS = 64


class Late(StrEnum):
    """What becomes of rows that come later than a row before them in the same file."""

    FAIL = "fail"
    REJECT = "reject"


Paths = Annotated[
    list[str],
    typer.Argument(metavar="PATH", show_default=False, help="Parquet files, folders, globs or Hive-partitioned trees."),
]
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
Symbols = Annotated[
    str | None,
    typer.Option(
        "--symbols", metavar="A,B|@FILE", show_default=False, help="Only these tickers, or those a file lists."
    ),
]
Start = Annotated[
    int | None,
    typer.Option(
        "--start",
        metavar="TIME",
        show_default=False,
        parser=parse_time,
        help="Only rows available at or after it: ISO 8601 (UTC unless it has a zone) or an integer since 1970.",
    ),
]
End = Annotated[
    int | None,
    typer.Option("--end", metavar="TIME", show_default=False, parser=parse_time, help="Only rows available before it."),
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


def parse_symbols(text: str | None, option: str = "--symbols") -> frozenset[str] | None:
    """Read ``option``: tickers between commas, or ``@`` and a file of tickers between commas or whitespace.

    In a file, ``#`` begins a comment. None, no option, is every ticker.

    Raises
    ------
    UsageError
        The file cannot be read, or no ticker is named.
    """
    if text is None:
        return None
    listed = _read_symbols(Path(text[1:]), option) if text.startswith("@") else text
    symbols = frozenset(listed.replace(",", " ").split())
    if not symbols:
        raise UsageError(f"{option} {text} names no ticker; write A,B or @FILE")
    return symbols


def _read_symbols(path: Path, option: str) -> str:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the tickers of {option} @{path}: {error}; name a text file") from error
    return "\n".join(line.partition("#")[0] for line in lines)


def map_assignments(maps: Sequence[str]) -> list[str]:
    """Turn every ``--map ours=theirs`` into the assignment of its setting.

    Raises
    ------
    UsageError
        A text is not of this form.
    """
    assignments = []
    for text in maps:
        ours, equals, theirs = text.partition("=")
        if not (ours and equals):
            raise UsageError(f"--map {text}: write ours=theirs, as in price=last")
        assignments.append(f"recordings.columns.{ours}={json.dumps(theirs, ensure_ascii=False)}")
    return assignments


def load_settings(
    config: Path | None, sets: Sequence[str] | None, maps: Sequence[str] | None = None
) -> Loaded[Settings]:
    """Load the settings of this process: default < file < environment < ``--set`` and ``--map``.

    Raises
    ------
    SettingsError
        A key is unknown or a value out of range.
    """
    from tickstock_cli.build import settings_model
    from tickstock_cli.config.load import load

    assignments = [*(sets or ()), *map_assignments(maps or ())]
    return load(settings_model(), file=config, environment=os.environ, assignments=assignments)


def unsorted_choice(sort: bool, late: Late) -> Unsorted:
    """Turn ``--sort`` and ``--late`` into what to do with files that are not in order.

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
