"""Which instance owns which shard. Routing strategies are assignments: the rows of a ticker always follow its shard.

The strategy alone decides a shard's *home* instance. A shard belongs to its home if that is healthy, else to its
previous owner if that is healthy, else to a stand-in among the healthy instances. So shards move only if they must, and
return to their home after recovery. If no instance is healthy, no shard moves.

================ ================================================ ===================================
strategy         home                                             stand-in
================ ================================================ ===================================
``health_based`` by hash, in even shares                          by hash, to the one with the fewest
``hash_based``   by hash alone: a new instance moves least        by hash alone
``round_robin``  dealt out in turn                                dealt out in turn
``random``       drawn                                            drawn
``load_based``   none: it keeps owners, and moves shards only to even out the load
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

from tickstock_cli.core.symbols import SHARDS, SymbolTable

UNNAMED_SHARD = 0
"""The shard of rows without a ticker; its owner rejects them."""

TOLERATED_LOAD = 1.2
"""`load_based` moves shards away from an instance whose load is above this multiple of the mean."""


class TickerShards:
    """The shards of the tickers of a symbol table, which may grow."""

    def __init__(self, symbols: SymbolTable) -> None:
        self._symbols = symbols
        self._shards: NDArray[np.uint8] = np.array([UNNAMED_SHARD], dtype=np.uint8)

    def by_code(self) -> NDArray[np.uint8]:
        """Return the shard of every ticker; the last entry is that of rows without one."""
        known = len(self._shards) - 1
        if known < len(self._symbols):
            unnamed = np.array([UNNAMED_SHARD], dtype=np.uint8)
            self._shards = np.concatenate([self._shards[:known], self._symbols.shards(known), unnamed])
        return self._shards


class RoutingStrategy(StrEnum):
    """Names of the strategies, as settings have them."""

    ROUND_ROBIN = "round_robin"
    LOAD_BASED = "load_based"
    HASH_BASED = "hash_based"
    HEALTH_BASED = "health_based"
    RANDOM = "random"


@dataclass(frozen=True, slots=True)
class InstanceView:
    """An instance as an assignment sees it; ``load_rows`` are the rows queued in it."""

    name: str
    healthy: bool = True
    load_rows: int = 0


@dataclass(frozen=True, slots=True)
class Move:
    """A shard that gets another owner."""

    shard: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """The owner of every shard, by shard number: ``SHARDS`` names."""

    owners: tuple[str, ...]

    def shards_of(self, name: str) -> tuple[int, ...]:
        """Return the shards an instance owns, in rising order."""
        return tuple(shard for shard, owner in enumerate(self.owners) if owner == name)

    def moves_from(self, previous: Assignment) -> tuple[Move, ...]:
        """Return the shards whose owner is not that of ``previous``, in rising order."""
        pairs = enumerate(zip(previous.owners, self.owners, strict=True))
        return tuple(Move(shard, before, after) for shard, (before, after) in pairs if before != after)

    def places(self, names: Sequence[str]) -> NDArray[np.uint8]:
        """Return the index in ``names`` of each shard's owner (uint8, length ``SHARDS``)."""
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
    """Return an owner for every shard. The same arguments give the same assignment on every machine.

    Parameters
    ----------
    instances
        All instances of one channel, in an order that stays the same: 1 to ``SHARDS``, with different names.
    previous
        The current assignment; None at the start. It may name instances that no longer exist.
    seed
        Seed of ``random``.
    shard_loads
        Recent rows of every shard, by shard, for ``load_based``; None: all shards have the same load.
    """
    names = [instance.name for instance in instances]
    if not 1 <= len(names) <= SHARDS or len(set(names)) != len(names):
        raise ValueError(f"instances must be 1 to {SHARDS} of different names, were {names}")
    healthy = [instance.name for instance in instances if instance.healthy]
    before = previous.owners if previous is not None else (None,) * SHARDS
    if not healthy:  # no instance can take a shard
        healthy = names
        if all(owner in names for owner in before):
            return Assignment(tuple(owner for owner in before if owner is not None))
    if strategy is RoutingStrategy.LOAD_BASED:
        # Every shard has some load, so that quiet shards are spread, too: they may become busy.
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
"""Returns the stand-in of a shard; its argument is how many shards every healthy instance has so far."""


def _even(names: Sequence[str], healthy: Sequence[str], _: int) -> tuple[list[str], StandIn]:
    """Return a choice that ranks instances by hash, without those that have their share."""
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
    """Return owners: lost shards go to the least loaded instances, heaviest first; then the loads are evened out."""
    totals = dict(queued)
    owners = [owner if owner in totals else None for owner in before]
    for shard, owner in enumerate(owners):
        if owner is not None:
            totals[owner] += loads[shard]
    for shard in sorted(range(SHARDS), key=lambda shard: (-loads[shard], shard)):
        if owners[shard] is None:
            owners[shard] = min(totals, key=totals.__getitem__)
            totals[str(owners[shard])] += loads[shard]
    # Without load there is nothing to even out: an idle second must not undo the moves of a busy one.
    busy = sum(totals.values()) > SHARDS
    while busy and (move := _best_move(totals, owners, loads)) is not None:
        totals[move.before] -= loads[move.shard]
        totals[move.after] += loads[move.shard]
        owners[move.shard] = move.after
    return tuple(owner for owner in owners if owner is not None)


def _best_move(totals: Mapping[str, int], owners: Sequence[str | None], loads: Sequence[int]) -> Move | None:
    """Return the move that best evens out the most and the least loaded; None within the tolerance."""
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
    """Return the instances ranked for a shard by rendezvous hashing; the first one is its owner."""
    return sorted(names, key=lambda name: (-_hash(name, shard), name))


@lru_cache(maxsize=SHARDS * SHARDS)
def _hash(text: str, shard: int) -> int:
    return int.from_bytes(blake2b(f"{text}/{shard}".encode(), digest_size=8).digest(), "little")
