"""Frames wait for the decoder: in order, all of them, and a slow decoder stops the receiving."""

from __future__ import annotations

import asyncio
from threading import Thread

from tickstock_cli.vendors.polygon.frame_queue import AttemptBegan, FrameQueue, Item


def test_items_are_taken_in_the_order_in_which_they_were_put() -> None:
    """Marks of what became of a connection keep their place among its frames."""
    queue = FrameQueue(100)
    items: list[Item] = [(b"one", 1), AttemptBegan(0, 2), (b"two", 3), (b"three", 4)]
    for item in items:
        queue.put(item)
    queue.close()

    taken: list[Item] = []
    while (some := queue.take()) is not None:
        taken += some
    assert taken == items
    assert queue.frames == 3


def test_a_reader_that_waits_gets_the_next_frame() -> None:
    """A frame after a pause wakes the reader: none waits for a later one."""
    queue = FrameQueue(100)
    taken: list[list[Item] | None] = []

    def read() -> None:
        while (some := queue.take()) is not None:
            taken.append(some)

    reader = Thread(target=read)
    reader.start()
    for number in range(20):
        queue.put((b"frame", number))
        while sum(map(len, filter(None, taken))) <= number:
            pass
    queue.close()
    reader.join()

    assert [item for some in taken for item in some or ()] == [(b"frame", number) for number in range(20)]


def test_a_connection_waits_while_the_queue_is_full() -> None:
    """Nothing is dropped: the wait ends with the first take that leaves room, and is counted."""
    queue = FrameQueue(4)

    async def receive() -> list[Item] | None:
        queue.put((b"large", 1))
        assert queue.is_full
        waiting = asyncio.ensure_future(queue.room())
        await asyncio.sleep(0)
        assert not waiting.done()
        taken = queue.take()
        await waiting
        return taken

    assert asyncio.run(receive()) == [(b"large", 1)]
    assert not queue.is_full
    assert queue.waits == 1
