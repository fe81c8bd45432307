"""Pulled highest first, and still nothing missing and nothing twice, wherever a client stops."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.serving.served_runs import KINDS, TICKERS, NewLog, RunOutput, StoryLog
from tickstock_cli.build import event_kinds
from tickstock_cli.serving.encoded import EncodedLog, Row
from tickstock_cli.serving.protocol import Subscribe
from tickstock_cli.serving.selection import Selection, first_wanted, select
from tickstock_cli.serving.served import ServedRun
from tickstock_cli.serving.session import SubscriptionState

EVENTS = 1_100
"""More than four pages, the last one not full."""

wishes = st.fixed_dictionaries(
    {},
    optional={
        "kinds": st.lists(st.sampled_from(KINDS), max_size=3),
        "tickers": st.lists(st.sampled_from(TICKERS), max_size=2),
        "universe": st.just("first"),
        "min_priority": st.integers(1, 4),
        "window": st.integers(1, 400),
        "user_universe": st.just("first") | st.lists(st.sampled_from(TICKERS), max_size=2),
    },
)


@pytest.fixture(scope="module")
def story(new_log: NewLog) -> StoryLog:
    """Return a log that is longer than a few batches."""
    return new_log(EVENTS)


@pytest.fixture(scope="module")
def everything(story: StoryLog) -> list[Row]:
    """Return the whole run as it is encoded for clients."""
    return asyncio.run(all_rows(story))


class Pulled:
    """What one client got, batch by batch, over all its connections."""

    def __init__(self, log: StoryLog, subscription: dict[str, Any]) -> None:
        universes = {"first": frozenset({"ABC"})}
        self.served = ServedRun(log, "run-1", RunOutput(), kinds=event_kinds(), universes=universes)
        self.subscription = subscription
        self.batches: list[tuple[list[int], list[Row]]] = []
        self.next = 1

    def subscribe(self) -> SubscriptionState:
        """Come back with the last ``next`` there was."""
        wanted = Subscribe.model_validate({"type": "subscribe", "from": self.next, "run": "run-1", **self.subscription})
        return SubscriptionState(
            select(self.served, wanted), first_wanted(self.served, wanted), wanted.window, None, None
        )

    async def pull(self, stays: list[bool]) -> None:
        """Take everything; after each batch the client stays and acknowledges it, or is gone and returns."""
        encoded = EncodedLog(self.served.log)
        subscription = self.subscribe()
        turn = 0
        while self.next < self.served.log.next_sequence:
            block = await encoded.block(subscription.next)
            batch, following = subscription.take(block)
            numbers = {id(row): block.first + place for place, row in enumerate(block.rows)}
            self.batches.append(([numbers[id(row)] for row in batch], batch))
            self.next = following
            if stays[turn % len(stays)]:
                subscription.acknowledge(following - 1)
            else:
                subscription = self.subscribe()
            turn += 1


@given(subscription=wishes, stays=st.lists(st.booleans(), min_size=1, max_size=9))
def test_every_event_is_read_once_highest_priority_first(
    story: StoryLog, everything: list[Row], subscription: dict[str, Any], stays: list[bool]
) -> None:
    """Whatever the filter, the window and the client's own universe, and at whatever batch it leaves and returns."""
    client = Pulled(story, subscription)
    asyncio.run(client.pull(stays))
    filters: Selection = client.subscribe().selection

    got = [number for numbers, _ in client.batches for number in numbers]
    assert sorted(got) == [number for number, row in enumerate(everything, 1) if filters.matches(row)]
    end = 0
    for numbers, rows in client.batches:
        keys = [
            (filters.priorities.rank(row.priority, row.ticker), number)
            for number, row in zip(numbers, rows, strict=True)
        ]
        assert keys == sorted(keys)
        if "user_universe" not in subscription:
            assert [row.priority for row in rows] == sorted(row.priority for row in rows)
        assert not numbers or min(numbers) > end  # a batch holds all up to its end, so sorting it gives the run's order
        end = max(numbers, default=end)


async def all_rows(log: StoryLog) -> list[Row]:
    """Read and encode a log, block by block."""
    encoded = EncodedLog(log)
    rows: list[Row] = []
    while len(rows) < EVENTS:
        rows += (await encoded.block(len(rows) + 1)).rows
    return rows
