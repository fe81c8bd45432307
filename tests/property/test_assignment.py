"""Whatever fails and recovers, in whatever order: every shard has one owner, and no more moves than must."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.core.symbols import SHARDS
from tickstock_cli.runtime.assignment import Assignment, InstanceView, RoutingStrategy, assign

STRATEGIES = list(RoutingStrategy)
STICKY = [strategy for strategy in RoutingStrategy if strategy is not RoutingStrategy.LOAD_BASED]
"""Strategies under which every shard has a home; the load-based one moves for the sake of the load."""

SEEDS = st.integers(0, 3)
LOADS = st.integers(0, 2**32).map(lambda seed: [Random(seed + shard).randrange(10_000) for shard in range(SHARDS)])


@st.composite
def histories(draw: st.DrawFn) -> list[list[bool]]:
    """Draw who is healthy, moment by moment."""
    instances = draw(st.integers(1, 8))
    return draw(st.lists(st.lists(st.booleans(), min_size=instances, max_size=instances), min_size=1, max_size=8))


def views(health: Sequence[bool], queued: Sequence[int] | None = None) -> list[InstanceView]:
    """Return instances named by their number."""
    rows = queued or [0] * len(health)
    return [InstanceView(f"tick-{place + 1}", well, rows[place]) for place, well in enumerate(health)]


def healthy_names(health: Sequence[bool]) -> set[str]:
    """Name the healthy ones."""
    return {f"tick-{place + 1}" for place, well in enumerate(health) if well}


@pytest.mark.parametrize("strategy", STRATEGIES)
@given(history=histories(), seed=SEEDS, loads=LOADS)
def test_every_shard_has_a_healthy_owner_if_there_is_one(
    strategy: RoutingStrategy, history: list[list[bool]], seed: int, loads: list[int]
) -> None:
    """Rows of a shard without an owner, or with a sick one, would wait for nobody."""
    before: Assignment | None = None
    for health in history:
        now = assign(strategy, views(health), before, seed=seed, shard_loads=loads)
        assert len(now.owners) == SHARDS
        if any(health):
            assert set(now.owners) <= healthy_names(health)
        elif before is not None:
            assert now == before
        before = now


@pytest.mark.parametrize("strategy", STRATEGIES)
@given(health=st.lists(st.booleans(), min_size=1, max_size=8), seed=SEEDS, loads=LOADS)
def test_the_same_arguments_give_the_same_assignment(
    strategy: RoutingStrategy, health: list[bool], seed: int, loads: list[int]
) -> None:
    """Nothing depends on when or where it is computed; what is in force needs no change."""
    first = assign(strategy, views(health), seed=seed, shard_loads=loads)

    assert assign(strategy, views(health), seed=seed, shard_loads=loads) == first
    assert assign(strategy, views(health), first, seed=seed, shard_loads=loads) == first


@pytest.mark.parametrize("strategy", STICKY)
@given(history=histories(), seed=SEEDS)
def test_shards_move_only_if_they_must(strategy: RoutingStrategy, history: list[list[bool]], seed: int) -> None:
    """A shard leaves its owner because that is sick, or to go home; nothing else moves state about."""
    home = assign(strategy, views([True] * len(history[0])), seed=seed)
    before = home
    for health in history:
        now = assign(strategy, views(health), before, seed=seed)
        for move in now.moves_from(before):
            assert move.before not in healthy_names(health) or move.after == home.owners[move.shard]
        before = now


@pytest.mark.parametrize("strategy", STICKY)
@given(history=histories(), seed=SEEDS)
def test_after_recovery_shards_return_to_their_owners(
    strategy: RoutingStrategy, history: list[list[bool]], seed: int
) -> None:
    """Whatever happened in between, everybody gets their own shards back."""
    everybody = views([True] * len(history[0]))
    home = assign(strategy, everybody, seed=seed)
    now = home
    for health in history:
        now = assign(strategy, views(health), now, seed=seed)

    assert assign(strategy, everybody, now, seed=seed) == home


@given(instances=st.integers(1, 16), sick=st.integers(0, 15))
def test_health_based_shares_are_even(instances: int, sick: int) -> None:
    """No instance has more than its fair share, also while one of them is out."""
    names = [f"tick-{place + 1}" for place in range(instances)]
    home = assign(RoutingStrategy.HEALTH_BASED, views([True] * instances))
    health = [place != sick for place in range(instances)]
    out = assign(RoutingStrategy.HEALTH_BASED, views(health), home)

    assert max(len(home.shards_of(name)) for name in names) <= -(-SHARDS // instances)
    assert max(len(out.shards_of(name)) for name in names) <= -(-SHARDS // max(1, sum(health)))


@given(instances=st.integers(1, 15))
def test_a_new_instance_takes_shards_and_no_other_shard_moves(instances: int) -> None:
    """What rendezvous hashing is for: growing by one moves about a share of one."""
    before = assign(RoutingStrategy.HASH_BASED, views([True] * instances))
    after = assign(RoutingStrategy.HASH_BASED, views([True] * (instances + 1)), before)

    assert {move.after for move in after.moves_from(before)} <= {f"tick-{instances + 1}"}


@given(
    health=st.lists(st.booleans(), min_size=2, max_size=6).filter(any),
    loads=LOADS,
    queued=st.lists(st.integers(0, 5_000), min_size=6, max_size=6),
)
def test_load_based_keeps_loads_near_the_mean_if_a_move_can(
    health: list[bool], loads: list[int], queued: list[int]
) -> None:
    """The most loaded instance is near the mean, or none of its shards is light enough to level anything."""
    everybody = views([True] * len(health), queued)
    now = assign(
        RoutingStrategy.LOAD_BASED,
        views(health, queued),
        assign(RoutingStrategy.LOAD_BASED, everybody, shard_loads=loads),
        shard_loads=loads,
    )
    weights = [load + 1 for load in loads]
    totals = {
        view.name: view.load_rows + sum(weights[shard] for shard in now.shards_of(view.name))
        for view in views(health, queued)
        if view.healthy
    }
    most = max(totals, key=totals.__getitem__)
    gap = totals[most] - min(totals.values())

    assert totals[most] * len(totals) <= 1.2 * sum(totals.values()) or all(
        weights[shard] >= gap for shard in now.shards_of(most)
    )
