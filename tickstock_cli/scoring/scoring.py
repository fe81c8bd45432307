"""Compares events with the truth of a synthetic market.

1. An event *matches* an injected move of its kind, ticker and direction if its timestamp lies in
   [start, end + grace]; of several moves, the first that began. One move may be matched by many events.
2. A move is *found* if an event matches it; the *delay* is from its start to the emission of the first that does.
3. An event without a match is *unmatched*, not false: prices also move without injection. Some unmatched events report
   the gap after an injected halt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from tickstock_cli.build import event_kinds
from tickstock_cli.core.declarations import DetectorDeclaration, declared_kinds
from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.scoring.same_market import check_same_market
from tickstock_cli.scoring.tables import read_events, read_truth, truth_path
from tickstock_cli.sources.event_files import read_declarations
from tickstock_cli.storage.names import shown_as_path
from tickstock_cli.synth.injections import InjectionKind
from tickstock_cli.synth.known_market import KnownMarket, known_market

HALT = "halt"
"""A kind of the truth that no event has."""

DEFAULT_GRACE_SECONDS = 60
"""For a halt, and for moves of a kind that no detector declares: a bar reports up to a minute late."""

_MATCH_COLUMNS = ["kind", "ticker", "direction"]


@dataclass(frozen=True, slots=True)
class KindScore:
    """The score of one kind.

    Attributes
    ----------
    injected, found
        Number of moves, and of moves with a matching event.
    events, matched, after_halt
        Number of events, of events that match a move, and of unmatched ones after a halt of their ticker.
    delay_median, delay_p95
        Seconds; None if no move was found.
    """

    kind: str
    injected: int
    found: int
    events: int
    matched: int
    after_halt: int
    delay_median: float | None
    delay_p95: float | None

    @property
    def recall(self) -> float | None:
        """Share of moves that were found; None without moves."""
        return self.found / self.injected if self.injected else None

    @property
    def precision(self) -> float | None:
        """Share of events that match a move; None without events. A lower bound: natural moves are unmatched."""
        return self.matched / self.events if self.events else None

    @property
    def unmatched(self) -> int:
        """Number of events without a match."""
        return self.events - self.matched

    def as_dict(self) -> dict[str, Any]:
        """Return the figures without the kind."""
        counted = {name: value for name, value in asdict(self).items() if name != "kind"}
        return {**counted, "unmatched": self.unmatched, "precision": self.precision, "recall": self.recall}


@dataclass(frozen=True, slots=True)
class Score:
    """Scores by kind, and the number of events of kinds that were not injected."""

    kinds: tuple[KindScore, ...]
    unscored: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """Return the object of ``tickstock score --json``."""
        return {"kinds": {one.kind: one.as_dict() for one in self.kinds}, "unscored": self.unscored}


def default_grace(declared: Iterable[DetectorDeclaration] = ()) -> dict[str, int]:
    """Return how long after the end of a move an event may still report it, in seconds.

    By what `synth` can inject, and by other kinds that ``declared`` has: a truth of another origin may hold such moves.
    """
    detectors = list(declared)
    own = event_kinds()
    graces = {kind.name: kind.grace_seconds for kind in declared_kinds(own, detectors)}
    injected = [kind.name.lower() for kind in InjectionKind]
    others = graces.keys() - {kind.name for kind in own} - set(injected)
    return {name: graces.get(name, DEFAULT_GRACE_SECONDS) for name in (*injected, *sorted(others))}


def score(
    events: pl.DataFrame | str | Path,
    truth: pl.DataFrame | str | Path,
    grace_seconds: Mapping[str, float] | None = None,
    events_name: str | None = None,
) -> Score:
    """Score events against injected moves.

    Parameters
    ----------
    events
        Events of a replay: a table, or a file (see ``read_events``).
    truth
        Injected moves: a table, its file, or the folder of the market.
    grace_seconds
        By kind; 60 for other kinds. None: ``default_grace`` of what the file of events declares.
    events_name
        Name of the events in messages; None: that of their file.

    Raises
    ------
    UsageError, DataError, SchemaError
        A file cannot be read as events or as truth, or the two have no ticker or no day in common.

    Examples
    --------
    >>> truth = pl.DataFrame({"kind": ["surge"], "ticker": ["A"], "direction": [1], "start": [0], "end": [10**10]})
    >>> event = {"kind": "surge", "ticker": "A", "direction": 1, "timestamp": 8 * 10**9, "emitted_at": 8 * 10**9}
    >>> score(pl.DataFrame([event]), truth).kinds[0].delay_median
    8.0
    """
    happened = read_events(events).with_row_index("event")
    declared = () if isinstance(events, pl.DataFrame) else read_declarations(Path(events))
    graces = default_grace(declared) if grace_seconds is None else grace_seconds
    seconds = {kind: float(grace) for kind, grace in graces.items()}  # polars needs numbers of one type
    grace = pl.col("kind").replace_strict(seconds, default=DEFAULT_GRACE_SECONDS, return_dtype=pl.Float64)
    injected = (
        read_truth(truth)
        .with_row_index("move")
        .with_columns(until=pl.col("end") + (grace * NS_PER_SECOND).cast(pl.Int64))
    )
    names = events_name or _name(events, "the events"), _name(truth, "the truth")
    check_same_market(happened, injected, *names, lambda: _market_of(truth))
    moves = injected.filter(pl.col("kind") != HALT)
    halts = injected.filter(pl.col("kind") == HALT)
    matches = (
        happened.join(moves, on=_MATCH_COLUMNS)
        .filter(pl.col("timestamp").is_between("start", "until"))
        .sort("event", "start", "move")
        .unique("event", keep="first", maintain_order=True)
    )
    after_halt = (
        happened.join(matches, on="event", how="anti")
        .join(halts.select("ticker", "end", "until"), on="ticker")
        .filter(pl.col("timestamp").is_between("end", "until"))
        .unique("event")
    )
    kinds = moves["kind"].unique().sort()
    unscored = happened.filter(~pl.col("kind").is_in(kinds.implode())).group_by("kind").len().sort("kind")
    return Score(
        tuple(_score_kind(kind, happened, moves, matches, after_halt) for kind in kinds),
        dict(unscored.iter_rows()),
    )


def _name(table: pl.DataFrame | str | Path, otherwise: str) -> str:
    return otherwise if isinstance(table, pl.DataFrame) else str(shown_as_path(table))


def _market_of(truth: pl.DataFrame | str | Path) -> KnownMarket | None:
    return None if isinstance(truth, pl.DataFrame) else known_market(truth_path(truth).parent)


def _score_kind(
    kind: str, events: pl.DataFrame, moves: pl.DataFrame, matches: pl.DataFrame, after_halt: pl.DataFrame
) -> KindScore:
    mine = pl.col("kind") == kind
    matched = matches.filter(mine)
    delays = matched.group_by("move").agg(delay=(pl.col("emitted_at") - pl.col("start")).min() / NS_PER_SECOND)["delay"]
    return KindScore(
        kind,
        moves.filter(mine).height,
        len(delays),
        events.filter(mine).height,
        matched.height,
        after_halt.filter(mine).height,
        delays.quantile(0.5, "linear"),
        delays.quantile(0.95, "linear"),
    )
