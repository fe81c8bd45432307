"""Which instance owns which shard. Routing strategies are assignments: the rows of a ticker always follow its shard.

Every shard has a *home*, an instance that the strategy alone names. In this order, a shard belongs to its home, if
that is healthy; to the instance that had it before, if that is healthy; or to a stand-in among the healthy ones. So
only what must move moves, and what has moved comes home after recovery. If nobody is healthy, nothing moves: there is
nowhere to go, and state would travel for nothing.

================ ================================================ ===================================
strategy         home                                             stand-in
================ ================================================ ===================================
``health_based`` by hash, in even shares                          by hash, to whoever has fewest
``hash_based``   by hash alone: a new instance moves least        by hash alone
``round_robin``  dealt out in turn                                dealt out in turn
``random``       drawn                                            drawn
``load_based``   none: it keeps what is, and moves shards only to even out the load
================ ================================================ ===================================
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.symbols import SHARDS

TOLERATED_LOAD = 1.2
"""`load_based` moves shards away from an instance whose load is above this multiple of the mean."""


class RoutingStrategy(StrEnum):
    """Names of the strategies, as settings have them."""

    ROUND_ROBIN = "round_robin"
    LOAD_BASED = "load_based"
    HASH_BASED = "hash_based"
    HEALTH_BASED = "health_based"
    RANDOM = "random"


@dataclass(frozen=True, slots=True)
class InstanceView:
    """What an assignment needs to know of an instance; ``load_rows`` are the rows queued in it."""

    name: str
    healthy: bool = True
    load_rows: int = 0


@dataclass(frozen=True, slots=True)
class Move:
    """A shard that changes hands."""

    shard: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """The owner of every shard, by shard number: ``SHARDS`` names."""

    owners: tuple[str, ...]

    def shards_of(self, name: str) -> tuple[int, ...]:
        """Return the shards an instance owns, rising."""
        return tuple(shard for shard, owner in enumerate(self.owners) if owner == name)

    def moves_from(self, previous: Assignment) -> tuple[Move, ...]:
        """Return what changes hands against ``previous``, by rising shard."""
        pairs = enumerate(zip(previous.owners, self.owners, strict=True))
        return tuple(Move(shard, before, after) for shard, (before, after) in pairs if before != after)

    def places(self, names: Sequence[str]) -> NDArray[np.uint8]:
        """Return by shard the place of its owner in ``names``, to look rows up at once (uint8, length ``SHARDS``)."""
        place = {name: number for number, name in enumerate(names)}
        return np.array([place[owner] for owner in self.owners], dtype=np.uint8)


def assign(
    strategy: RoutingStrategy,
    instances: Sequence[InstanceView],
    previous: Assignment | None = None,
    *,
    seed: int = 0,
    shard_loads: Sequence[int] | NDArray[np.int64] | None = None,
) -> Assignment:
    """Return every shard an owner. The same arguments give the same assignment, on every machine.

    Parameters
    ----------
    instances
        All there are of one channel, in any order that stays the same: at least one and at most ``SHARDS``, under
        different names.
    previous
        The assignment in force; None at the start. It may name instances that are no more.
    seed
        Decides what ``random`` draws.
    shard_loads
        Rows of every shard lately, by shard, for ``load_based``; None: all weigh the same.
    """
    names = [instance.name for instance in instances]
    if not 1 <= len(names) <= SHARDS or len(set(names)) != len(names):
        raise ValueError(f"instances must be 1 to {SHARDS} of different names, were {names}")
    healthy = [instance.name for instance in instances if instance.healthy]
    before = previous.owners if previous is not None else (None,) * SHARDS
    if not healthy:  # nowhere to go: what somebody has, stays
        healthy = names
        if all(owner in names for owner in before):
            return Assignment(tuple(owner for owner in before if owner is not None))
    if strategy is RoutingStrategy.LOAD_BASED:
        # Every shard weighs something, so that quiet ones are spread, too: they may wake up.
        loads = [1] * SHARDS if shard_loads is None else [1 + int(load) for load in shard_loads]
        queued = {instance.name: instance.load_rows for instance in instances if instance.name in healthy}
        return Assignment(_by_load(queued, before, loads))
    homes, stand_in = _PLANS[strategy](names, healthy, seed)
    owners: list[str | None] = [
        home if home in healthy else owner if owner in healthy else None
        for home, owner in zip(homes, before, strict=True)
    ]
    counts = Counter(owner for owner in owners if owner is not None)
    for shard, owner in enumerate(owners):
        if owner is None:
            chosen = stand_in(shard, counts)
            counts[chosen] += 1
            owners[shard] = chosen
    return Assignment(tuple(owner for owner in owners if owner is not None))


StandIn = Callable[[int, Mapping[str, int]], str]
"""Names the stand-in of a shard, given how many shards every healthy instance has by now."""


def _even(names: Sequence[str], healthy: Sequence[str], _: int) -> tuple[list[str], StandIn]:
    """Rank instances by hash, and pass over those that have their fair share."""
    share = -(-SHARDS // len(names))
    counts: Counter[str] = Counter()
    homes = []
    for shard in range(SHARDS):
        home = next(name for name in _ranked(names, shard) if counts[name] < share)
        counts[home] += 1
        homes.append(home)
    return homes, lambda shard, now: min(_ranked(healthy, shard), key=now.__getitem__)


def _hashed(names: Sequence[str], healthy: Sequence[str], _: int) -> tuple[list[str], StandIn]:
    homes = [_ranked(names, shard)[0] for shard in range(SHARDS)]
    return homes, lambda shard, _: _ranked(healthy, shard)[0]


def _dealt(names: Sequence[str], healthy: Sequence[str], _: int) -> tuple[list[str], StandIn]:
    homes = [names[shard % len(names)] for shard in range(SHARDS)]
    return homes, lambda _, now: min(healthy, key=now.__getitem__)


def _drawn(names: Sequence[str], healthy: Sequence[str], seed: int) -> tuple[list[str], StandIn]:
    def draw(among: Sequence[str], shard: int) -> str:
        return among[_hash(f"{seed}/{len(among)}", shard) % len(among)]

    return [draw(names, shard) for shard in range(SHARDS)], lambda shard, _: draw(healthy, shard)


_PLANS = {
    RoutingStrategy.HEALTH_BASED: _even,
    RoutingStrategy.HASH_BASED: _hashed,
    RoutingStrategy.ROUND_ROBIN: _dealt,
    RoutingStrategy.RANDOM: _drawn,
}


def _by_load(queued: Mapping[str, int], before: Sequence[str | None], loads: Sequence[int]) -> tuple[str, ...]:
    """Place lost shards, heaviest first, on the least loaded; then move what evens out a load beyond tolerance."""
    totals = dict(queued)
    owners = [owner if owner in totals else None for owner in before]
    for shard, owner in enumerate(owners):
        if owner is not None:
            totals[owner] += loads[shard]
    for shard in sorted(range(SHARDS), key=lambda shard: (-loads[shard], shard)):
        if owners[shard] is None:
            owners[shard] = min(totals, key=totals.__getitem__)
            totals[str(owners[shard])] += loads[shard]
    # Without any load there is nothing to even out: an idle second must not undo what a busy one has found.
    busy = sum(totals.values()) > SHARDS
    while busy and (move := _best_move(totals, owners, loads)) is not None:
        totals[move.before] -= loads[move.shard]
        totals[move.after] += loads[move.shard]
        owners[move.shard] = move.after
    return tuple(owner for owner in owners if owner is not None)


def _best_move(totals: Mapping[str, int], owners: Sequence[str | None], loads: Sequence[int]) -> Move | None:
    """Return the move that levels the most and the least loaded best; None if they are level enough."""
    heaviest = max(totals, key=totals.__getitem__)
    lightest = min(totals, key=totals.__getitem__)
    if totals[heaviest] * len(totals) <= TOLERATED_LOAD * sum(totals.values()):
        return None
    gap = totals[heaviest] - totals[lightest]
    # Each move makes the sum of squares smaller, so that moving ends.
    useful = [shard for shard, owner in enumerate(owners) if owner == heaviest and loads[shard] < gap]
    if not useful:
        return None
    return Move(min(useful, key=lambda shard: abs(gap - 2 * loads[shard])), heaviest, lightest)


def _ranked(names: Sequence[str], shard: int) -> list[str]:
    """Order instances for a shard, the first one being its owner: highest random weight (rendezvous) hashing."""
    return sorted(names, key=lambda name: (-_hash(name, shard), name))


@lru_cache(maxsize=SHARDS * SHARDS)
def _hash(text: str, shard: int) -> int:
    return int.from_bytes(blake2b(f"{text}/{shard}".encode(), digest_size=8).digest(), "little")
