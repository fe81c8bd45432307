"""The router: from chunks to the queues of the instances that own their tickers' shards.

Strategies assign shards to instances, never single rows, so that rows of one ticker cannot overtake each other. The
shards of an unhealthy instance move with their queued rows, and move back after recovery. State is in arrays that all
instances of a channel share, and each instance writes only the entries of its own tickers. So a move of a shard moves
its queued rows only, while both instances are idle.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import ValidationError

from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.clock import Clock
from tickstock_cli.core.counted import counted
from tickstock_cli.core.metrics import RouterMetrics
from tickstock_cli.core.symbols import SHARDS, SymbolTable
from tickstock_cli.errors import SchemaError
from tickstock_cli.runtime.assignment import Assignment, InstanceView, RoutingStrategy, TickerShards, assign
from tickstock_cli.runtime.chunks import Chunk, ShardChunk, whole_parts
from tickstock_cli.runtime.health import HealthLimits, failure_reason, unhealthy_reason
from tickstock_cli.runtime.instance import Finished, ProcessingChannel
from tickstock_cli.runtime.records import Data, identify_data_type, to_rows
from tickstock_cli.runtime.results import EventProcessingResult
from tickstock_cli.runtime.rollout import Rollout

Entrance = Callable[[str, pa.RecordBatch], Awaitable[EventProcessingResult]]
"""Takes rows of a record type into the system."""


class DataChannelRouter:
    """Routes chunks. On one asyncio loop.

    Parameters
    ----------
    instances
        By record type: the instances of its channel, at least one.
    entrance
        Feeds the rows of ``route_data`` to the system in the order of the calls, and returns their result.
    rollout
        Which tickers take the linear path instead; None: no ticker does.
    """

    def __init__(
        self,
        instances: Mapping[str, Sequence[ProcessingChannel]],
        symbols: SymbolTable,
        strategy: RoutingStrategy,
        health: HealthLimits,
        clock: Clock,
        entrance: Entrance,
        seed: int = 0,
        rollout: Rollout | None = None,
    ) -> None:
        self._instances = {record: tuple(chosen) for record, chosen in instances.items()}
        self._strategy = strategy
        self._health = health
        self._entrance = entrance
        self._seed = seed
        self._rollout = rollout
        self._clock = clock
        self._shards = TickerShards(symbols)
        self._assignments: dict[str, Assignment] = {}
        self._owners: dict[str, NDArray[np.uint8]] = {}
        self._loads = {record: np.zeros(SHARDS, dtype=np.int64) for record in instances}
        self._decisions = 0
        self._decision_ns = 0
        self._moves = 0
        self._adopted = 0
        self._moving = asyncio.Lock()
        self._errors = 0
        self._rows = dict.fromkeys(instances, 0)
        for record in self._instances:
            self._adopt(record, assign(strategy, self._views(record), seed=seed))

    async def route_data(self, data: Data, expected: str | None = None) -> EventProcessingResult:
        """Identify the record type of data, and process it in its channel.

        Parameters
        ----------
        data
            A record, a mapping or an object with its fields, several of one type, or Arrow rows.
        expected
            The only accepted type; None: any.

        Raises
        ------
        SchemaError, pydantic.ValidationError
            No channel takes such data; counted among the router's errors.
        """
        return await self._entrance(*self._recognised(data, expected))

    async def route(self, chunk: Chunk) -> None:
        """Queue a chunk's rows with their owners; wait while a queue is full."""
        waiting = deque(self.decide(chunk))
        while waiting:
            instance, part = waiting[0]
            if instance.offer(part):
                waiting.popleft()
                continue
            adopted = self._adopted
            await instance.room()
            if self._adopted != adopted:
                # Shards have moved during the wait: their rows must go to the new owner.
                waiting = deque(pair for _, each in waiting for pair in self._dealt_again(each))

    def has_room(self, batch: MergedBatch) -> bool:
        """Return whether every instance has room for all rows of its type, whichever instance gets them."""
        rows = {"tick": len(batch.ticks), "ohlcv": len(batch.bars), "fmv": len(batch.fmvs)}
        if self._rollout is not None and not self._rollout.linear.has_room(len(batch)):
            return False
        return all(
            instance.has_room(rows[record])
            for record, instances in self._instances.items()
            for instance in instances
            if rows[record]
        )

    def decide(self, chunk: Chunk) -> list[tuple[ProcessingChannel, ShardChunk]]:
        """Return the part of each instance, and count the parts of the chunk."""
        begun = self._clock.now()
        decided = [pair for part in whole_parts(chunk) for pair in self._deal(part)]
        for _, part in decided:
            part.counted()
        if not chunk.ticks_left:
            chunk.ticks_done.set()
        self._decisions += len(decided)
        self._decision_ns += self._clock.now() - begun
        return decided

    async def reassign(self) -> int:
        """Move shards to the owners that the strategy assigns now, and return how many moved."""
        moved = 0
        # One call at a time: a second call must see the moves of the first, or rows would stay with an instance that no
        # longer owns their tickers.
        async with self._moving:
            for record in self._instances:
                before = self._assignments[record]
                after = assign(
                    self._strategy, self._views(record), before, seed=self._seed, shard_loads=self._loads[record]
                )
                if after != before:
                    moved += await self._move(record, before, after)
                self._loads[record] //= 2  # old load decays
            self._moves += moved
        return moved

    async def align(self) -> None:
        """Move every ticker to the side of the rollout that is wanted for it, with its queued rows."""
        assert self._rollout is not None  # without a rollout there is one side
        async with self._moving:
            for record in self._instances:
                wanted, before = self._rollout.sides(record)
                if (wanted != before).any():
                    await self._align(record, self._rollout)
            self._count_shards()

    def fall_back_from_failed(self) -> None:
        """Have the tickers of every channel without a working instance fall back; ``align`` moves them."""
        assert self._rollout is not None  # without a rollout there is no linear path
        for record, instances in self._instances.items():
            reasons = [(one.name, failure_reason(one.snapshot(), self._health)) for one in instances]
            if all(reason is not None for _, reason in reasons):
                why = "; ".join(f"{name}: {reason}" for name, reason in reasons)
                if fallen := self._rollout.channel_failed(record, why):
                    for instance in instances:
                        instance.history.change("fallback", f"{fallen} tickers fell back to the linear path: {why}")

    def fall_back(self, done: Finished) -> Finished:
        """Move the tickers on which a detector failed to the linear path, with the rows of the batch and queued ones.

        Their state is that before the batch. The call comes before the instance takes another batch.

        Returns
        -------
        Finished
            The batch without these tickers.
        """
        assert self._rollout is not None  # without a rollout there is no linear path
        failures = done.outcome.failures
        reason = f"{done.instance.name}: {failures[0].reason}"
        moving = self._rollout.fall_back(done.instance.record, [failure.code for failure in failures], reason)
        halves = [part.split(moving) for part in done.parts]
        handed_over = [part for _, part in halves if not part.empty]
        for part in handed_over:
            part.counted()
        self._rollout.linear.put_back([*handed_over, *done.instance.take_away(moving)])
        done.instance.history.change("fallback", f"{moving.sum()} tickers fell back to the linear path: {reason}")
        self._adopted += 1
        return replace(done, parts=[part for part, _ in halves])

    def metrics(self) -> RouterMetrics:
        """Return the metrics as of now."""
        mean = self._decision_ns / self._decisions / 1000 if self._decisions else None
        return RouterMetrics(
            self._strategy.value,
            self._decisions,
            self._errors,
            self._moves,
            dict(self._rows),
            mean,
        )

    def _recognised(self, data: Data, expected: str | None) -> tuple[str, pa.RecordBatch]:
        try:
            rows = to_rows(data)
            record = identify_data_type(rows)
            if record is None or record != (expected or record):
                raise SchemaError(
                    f"expected {expected or 'tick, ohlcv or fmv'} rows, but these are {record or 'of no type'}: "
                    f"{rows.schema.names}"
                )
        except (SchemaError, ValidationError):
            self._errors += 1
            raise
        return record, rows

    def _views(self, record: str) -> list[InstanceView]:
        views = []
        for instance in self._instances[record]:
            unhealthy = unhealthy_reason(instance.snapshot(), self._health)
            instance.history.health(unhealthy)
            views.append(InstanceView(instance.name, unhealthy is None, instance.depth))
        return views

    def _deal(self, part: ShardChunk) -> list[tuple[ProcessingChannel, ShardChunk]]:
        self._rows[part.record] += len(part)
        if len(self._instances[part.record]) > 1:
            np.add.at(self._loads[part.record], self._shards.by_code()[part.rows.code], 1)
        return self._shares(part)

    def _dealt_again(self, part: ShardChunk) -> list[tuple[ProcessingChannel, ShardChunk]]:
        """Split a part that was counted and not queued among the present owners of its tickers."""
        shares = self._shares(part)
        for _, share in shares[1:]:
            share.counted()
        return shares

    def _shares(self, part: ShardChunk) -> list[tuple[ProcessingChannel, ShardChunk]]:
        if self._rollout is None:
            return self._multi_shares(part)
        multi, linear = part.split(self._rollout.on_linear(part.record))
        self._rollout.note_multi(part.record, multi.rows.code)
        shares = [] if multi.empty else self._multi_shares(multi)
        return shares if linear.empty else [*shares, (self._rollout.linear, linear)]

    def _multi_shares(self, part: ShardChunk) -> list[tuple[ProcessingChannel, ShardChunk]]:
        instances = self._instances[part.record]
        if len(instances) == 1:
            return [(instances[0], part)]
        owner = self._owner_by_code(part.record)
        dealt = [(instance, part.where(owner == number)) for number, instance in enumerate(instances)]
        return [(instance, share) for instance, share in dealt if not share.empty]

    def _owner_by_code(self, record: str) -> NDArray[np.uint8]:
        return self._owners[record][self._shards.by_code()]

    def _adopt(self, record: str, assignment: Assignment) -> None:
        instances = self._instances[record]
        self._adopted += 1
        self._assignments[record] = assignment
        self._owners[record] = assignment.places([instance.name for instance in instances])
        self._count_shards()

    def _count_shards(self) -> None:
        """Note how many shards every instance has; those of the linear path are no channel instance's."""
        shards = SHARDS if self._rollout is None else self._rollout.shards
        for record, assignment in self._assignments.items():
            for instance in self._instances[record]:
                owned = sorted(assignment.shards_of(instance.name))
                instance.owned_shards = tuple(shard for shard in owned if shard < shards)
        if self._rollout is not None:
            self._rollout.linear.owned_shards = tuple(range(shards, SHARDS))

    async def _align(self, record: str, rollout: Rollout) -> None:
        """Move tickers of one record type between the sides, while every instance that can have their rows is idle."""
        async with AsyncExitStack() as stack:
            for instance in (*self._instances[record], rollout.linear):
                await stack.enter_async_context(instance.idle)
            wanted, before = rollout.sides(record)
            parts = [part for one in self._instances[record] for part in one.take_away(wanted & ~before)]
            rollout.linear.put_back(parts)
            rollout.moved(record, wanted)
            self._adopted += 1
            parts = rollout.linear.take_away(~wanted & before, record)
            shares = [pair for part in parts for pair in self._dealt_again(part)]
            for instance in self._instances[record]:
                # In one call: of parts of one chunk, those put back later would come first.
                instance.put_back([share for owner, share in shares if owner is instance])

    async def _move(self, record: str, before: Assignment, after: Assignment) -> int:
        moves = after.moves_from(before)
        by_name = {instance.name: instance for instance in self._instances[record]}
        touched = {name for move in moves for name in (move.before, move.after)}
        async with AsyncExitStack() as stack:
            # Every holder of several of these locks takes them in the order of the instances, to avoid deadlock. The
            # order of names differs: tick-10 comes before tick-2.
            for name, instance in by_name.items():
                if name in touched:
                    await stack.enter_async_context(instance.idle)
            shards = self._shards.by_code()
            for source, target in sorted({(move.before, move.after) for move in moves}):
                going = [move.shard for move in moves if (move.before, move.after) == (source, target)]
                parts = by_name[source].take_away(np.isin(shards, going))
                if parts:
                    by_name[target].put_back(parts)
                by_name[source].history.change("shards", f"{counted(len(going), 'shard')} moved to {target}")
                by_name[target].history.change("shards", f"{counted(len(going), 'shard')} came from {source}")
            self._adopt(record, after)
        return len(moves)
