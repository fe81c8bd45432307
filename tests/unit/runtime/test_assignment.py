"""Assignments: what the five strategies do with the same shards."""

from __future__ import annotations

import numpy as np
import pytest

from tickstock_cli.core.symbols import SHARDS
from tickstock_cli.runtime.assignment import Assignment, InstanceView, Move, RoutingStrategy, assign

THREE = [InstanceView("tick-1"), InstanceView("tick-2"), InstanceView("tick-3")]
TWO_SICK = [InstanceView("tick-1"), InstanceView("tick-2", healthy=False), InstanceView("tick-3", healthy=False)]


def counts(assignment: Assignment) -> list[int]:
    """Count the shards of each of three instances."""
    return [len(assignment.shards_of(view.name)) for view in THREE]


def test_round_robin_deals_shards_out_in_turn() -> None:
    """Shard n goes to instance n modulo their number."""
    assert assign(RoutingStrategy.ROUND_ROBIN, THREE).owners[:4] == ("tick-1", "tick-2", "tick-3", "tick-1")


def test_the_last_healthy_instance_gets_every_shard() -> None:
    """Whatever the strategy: there is nowhere else to go."""
    for strategy in RoutingStrategy:
        assert counts(assign(strategy, TWO_SICK, assign(strategy, THREE))) == [SHARDS, 0, 0]


def test_hash_based_owners_stay_the_same_between_releases() -> None:
    """A change would move shards in every live system, so it must be deliberate."""
    owners = assign(RoutingStrategy.HASH_BASED, THREE).owners

    assert [owner[-1] for owner in owners[:12]] == list("122333322332")


def test_random_depends_on_its_seed_alone() -> None:
    """Two seeds draw differently, and one always the same."""
    drawn = [assign(RoutingStrategy.RANDOM, THREE, seed=seed) for seed in (1, 2, 1)]

    assert drawn[0] == drawn[2] != drawn[1]
    assert min(counts(drawn[0])) > 0


def test_load_based_gives_a_heavy_shard_an_instance_of_its_own() -> None:
    """One ticker that trades as much as all others together does not share."""
    loads = [100] * SHARDS
    loads[17] = 6_300

    assignment = assign(RoutingStrategy.LOAD_BASED, THREE[:2], shard_loads=loads)

    assert assignment.shards_of(assignment.owners[17]) == (17,)


def test_load_based_moves_nothing_for_a_small_difference() -> None:
    """A move costs, so a load within tolerance is let be."""
    before = assign(RoutingStrategy.ROUND_ROBIN, THREE[:2])
    loads = [100 if shard % 2 else 110 for shard in range(SHARDS)]

    assert assign(RoutingStrategy.LOAD_BASED, THREE[:2], before, shard_loads=loads) == before


def test_load_based_takes_from_an_instance_with_a_long_queue() -> None:
    """A backlog is load, too."""
    before = assign(RoutingStrategy.ROUND_ROBIN, THREE[:2])
    behind = [InstanceView("tick-1", load_rows=5_000), InstanceView("tick-2")]

    after = assign(RoutingStrategy.LOAD_BASED, behind, before, shard_loads=[100] * SHARDS)

    assert len(after.shards_of("tick-1")) < 32
    assert {move.before for move in after.moves_from(before)} == {"tick-1"}


def test_load_based_moves_nothing_without_load() -> None:
    """A quiet second must not undo what a busy one has found, only for the next one to find it again."""
    loads = [100] * SHARDS
    loads[17] = 6_300
    before = assign(RoutingStrategy.LOAD_BASED, THREE[:2], shard_loads=loads)

    assert assign(RoutingStrategy.LOAD_BASED, THREE[:2], before, shard_loads=[0] * SHARDS) == before


def test_load_based_without_loads_shares_evenly() -> None:
    """At the start no shard has a load yet."""
    assert counts(assign(RoutingStrategy.LOAD_BASED, THREE, shard_loads=[0] * SHARDS)) == [22, 21, 21]


def test_a_move_has_shard_former_and_new_owner() -> None:
    """State travels along these."""
    before = Assignment(("a",) * SHARDS)
    after = Assignment(("a",) * 5 + ("b",) + ("a",) * (SHARDS - 6))

    assert after.moves_from(before) == (Move(5, "a", "b"),)
    assert before.moves_from(before) == ()


def test_places_look_up_rows_by_their_shard() -> None:
    """One indexing of an array routes a batch."""
    assignment = assign(RoutingStrategy.ROUND_ROBIN, THREE)
    shards = np.array([0, 5, 63], dtype=np.uint8)

    assert assignment.places(["tick-1", "tick-2", "tick-3"])[shards].tolist() == [0, 2, 0]


def test_an_assignment_can_name_removed_instances() -> None:
    """After a restart with fewer instances, what the missing ones had goes to the others."""
    before = assign(RoutingStrategy.HEALTH_BASED, THREE)

    after = assign(RoutingStrategy.HEALTH_BASED, THREE[:2], before)

    assert set(after.owners) == {"tick-1", "tick-2"}


@pytest.mark.parametrize("names", [[], ["a", "a"], [f"tick-{n}" for n in range(65)]])
def test_instances_must_be_few_and_of_different_names(names: list[str]) -> None:
    """An owner is known by its name, and there are 64 shards to share."""
    with pytest.raises(ValueError, match="instances must be 1 to 64 of different names"):
        assign(RoutingStrategy.HASH_BASED, [InstanceView(name) for name in names])
