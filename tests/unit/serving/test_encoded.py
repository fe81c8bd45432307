"""Pages of encoded events: shared by all clients, a bounded number of them, never stale."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from tests.unit.serving.served_runs import SHORT_MEMORY, NewLog, StoryLog
from tickstock_cli.errors import ExpiredError
from tickstock_cli.serving.encoded import BLOCK_EVENTS, EncodedLog


def with_blocks(log: StoryLog, story: Callable[[EncodedLog], Awaitable[None]], cached_blocks: int = 4) -> None:
    """Let a story happen in an event loop."""

    async def main() -> None:
        await story(EncodedLog(log, cached_blocks))

    asyncio.run(main())


def test_the_newest_page_grows_without_reading_old_events_again(new_log: NewLog) -> None:
    """Only what is new is encoded."""
    log = new_log(10)

    async def story(blocks: EncodedLog) -> None:
        first = (await blocks.block(1)).rows[:]
        log.add(5)
        block = await blocks.block(11)
        assert [json.loads(row.text)["sequence"] for row in block.rows] == list(range(1, 16))
        assert all(before is after for before, after in zip(first, block.rows, strict=False))

    with_blocks(log, story)


def test_no_more_pages_are_kept_than_allowed(new_log: NewLog) -> None:
    """Clients that read the past do not make the server remember all of it."""
    log = new_log(20 * BLOCK_EVENTS)

    async def story(blocks: EncodedLog) -> None:
        for sequence in range(1, log.next_sequence, BLOCK_EVENTS):
            await blocks.block(sequence)
        assert len(blocks._blocks) == 4
        assert (await blocks.block(1)).rows[0].text.startswith('{"sequence":1,')

    with_blocks(log, story)


def test_clients_that_ask_at_the_same_time_share_one_read(new_log: NewLog) -> None:
    """Hundreds are woken by the same append."""
    log = new_log(100)

    async def story(blocks: EncodedLog) -> None:
        await asyncio.gather(*(blocks.block(50) for _ in range(200)))
        assert log.reads == 1

    with_blocks(log, story)


def test_clients_that_wait_for_a_read_continue_together(new_log: NewLog) -> None:
    """One after the other, each with a reading of its own, they would be a queue of hundreds at every append."""
    log = new_log(10)

    async def story(blocks: EncodedLog) -> None:
        asked = [asyncio.create_task(blocks.block(10)) for _ in range(200)]
        await asyncio.sleep(0)  # the first one reads by now, the others wait for it
        log.add(1)
        await asyncio.gather(*asked)
        assert log.reads <= 2  # the reading may have come before the append, or behind it and in two parts

    with_blocks(log, story)


def test_a_client_that_leaves_during_a_read_blocks_no_other(new_log: NewLog) -> None:
    """Another one reads in its place."""
    log = new_log(10)

    async def story(blocks: EncodedLog) -> None:
        reader, other = (asyncio.create_task(blocks.block(10)) for _ in range(2))
        await asyncio.sleep(0)
        reader.cancel()
        assert (await other).next == 11

    with_blocks(log, story)


def test_a_page_can_begin_at_the_first_kept_event(new_log: NewLog) -> None:
    """Retention cuts through blocks; what is gone says so, what is left is whole."""
    log = new_log(30, SHORT_MEMORY)

    async def story(blocks: EncodedLog) -> None:
        block = await blocks.block(log.first_sequence)
        assert (block.first, block.next) == (log.first_sequence, 31)
        with pytest.raises(ExpiredError):
            await blocks.block(log.first_sequence - 1)

    with_blocks(log, story)
