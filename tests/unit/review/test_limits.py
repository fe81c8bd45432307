"""Thresholds as a file of events shows them, held against events that detectors have told."""

from __future__ import annotations

from collections import Counter
from functools import cache

import polars as pl
import pytest

from tests.differential.against import on_disk
from tests.oracle.random_cases import random_case
from tickstock_cli.build import declarations, detector_classes, event_kinds
from tickstock_cli.review.limits import cooldowns_of, limits_of, smallest
from tickstock_cli.testing import settings_of

SEEDS = 20


@cache
def margins_of_a_random_replay(seed: int) -> dict[tuple[str, str, str], pl.Series]:
    """Return by kind, source and setting the margins of the events told under random settings."""
    with on_disk(*random_case(seed, 400)) as recording:
        recording.replay()
        events = pl.read_parquet(recording.folder / "events.parquet")
    found = {}
    for limit in limits_of(declarations(recording.settings)):
        mine = events.filter(pl.col("kind") == limit.kind, pl.col("source") == limit.source)
        found[limit.kind, limit.source, limit.setting] = limit.margins(mine).drop_nulls()
    return found


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_event_has_reached_its_thresholds(seed: int) -> None:
    """Whatever they are: an event below one would be put down to a threshold that it had reached."""
    for name, margins in margins_of_a_random_replay(seed).items():
        assert (margins >= 1 - 1e-9).all(), name


def test_random_replays_have_events_of_every_limit() -> None:
    """Otherwise the test above would say little."""
    seen: Counter[tuple[str, str, str]] = Counter()
    for seed in range(SEEDS):
        seen.update({name: len(margins) for name, margins in margins_of_a_random_replay(seed).items()})

    assert {name for name, count in seen.items() if not count} == set()


def test_every_kind_of_ticks_and_fair_values_has_limit_and_cooldown() -> None:
    """A new detector's kinds are thought of here, too."""
    settings = settings_of({})
    pairs = {(kind.name, cls.channel) for cls in detector_classes().values() for kind in cls.kinds}

    assert {(limit.kind, limit.source) for limit in limits_of(declarations(settings))} == pairs
    assert set(cooldowns_of(declarations(settings)).select("kind", "source").iter_rows()) == {
        (kind, source) for kind, source in pairs if source != "ohlcv"
    }
    assert {kind for kind, _ in pairs} == {kind.name for kind in event_kinds()}


def test_the_smallest_of_some_columns_is_named() -> None:
    """Nulls do not count, and of none there is none."""
    table = pl.DataFrame({"a": [1.0, None, None], "b": [2.0, 0.5, None]})
    least, key = smallest({3: pl.col("a"), 7: pl.col("b")})

    assert table.select(least.alias("least"), key.alias("key")).rows() == [(1.0, 3), (0.5, 7), (None, None)]
    assert table.select(*(one.alias(f"{place}") for place, one in enumerate(smallest({})))).row(0) == (None, None)
