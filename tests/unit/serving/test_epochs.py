"""A replay that goes to another time: clients begin afresh, with the same numbers, and nobody mixes two tellings."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from urllib.request import urlopen

import pytest
from websockets.exceptions import ConnectionClosed

from tests.unit.serving.epochs import jumped
from tests.unit.serving.served_runs import NewLog, client, served
from tests.unit.serving.test_client import Reader
from tests.unit.serving.test_socket_io import in_order, old_client, old_server
from tickstock_cli.serving.client import Subscription


def test_a_client_is_closed_and_reconnects_to_the_new_epoch(new_log: NewLog) -> None:
    """Its run is another one, so that the place it remembers is refused; the past up to the jump is there."""
    log = new_log(10)
    with served(log) as server:
        with client(server) as before:
            first = before.hello
            before.subscribe(**{"from": 1})
            assert before.sequences(10) == list(range(1, 11))
            epoch = jumped(server, log, 4)
            with pytest.raises(ConnectionClosed) as closed:
                before.next("events")
        with client(server) as after:
            second = after.hello
            refused = after.subscribe(**{"from": 11, "run": first["run"]})
            after.subscribe(**{"from": 1, "run": second["run"]})
            assert after.sequences(4) == [1, 2, 3, 4]
            epoch.tell_to(8)
            assert after.sequences(3) == [5, 6, 7]

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
    assert first["epoch"] == {"run": "run-1", "number": 1, "first_sequence": 1}
    assert (second["run"], second["last_sequence"]) == ("run-1.2", 4)
    assert second["epoch"] == {"run": "run-1", "number": 2, "first_sequence": 5}
    assert (refused["code"], refused["field"]) == ("other_run", "run")


def test_http_returns_only_events_up_to_the_market_time(new_log: NewLog) -> None:
    """Pages of events, and the figures of the status, are those of the epoch."""
    log = new_log(10)
    with served(log) as server:
        url = f"http://127.0.0.1:{server.server.port}"
        jumped(server, log, 3)
        with client(server):  # the server's loop has come to the new epoch
            page = json.load(urlopen(f"{url}/api/events", timeout=60))
            status = json.load(urlopen(f"{url}/status", timeout=60))

    assert [event["sequence"] for event in page["events"]] == [1, 2, 3]
    assert (page["run"], page["next"], page["last_sequence"], page["finished"]) == ("run-1.2", 4, 3, False)
    assert (status["run"], status["server"]["last_sequence"]) == ("run-1.2", 3)


@pytest.mark.parametrize(
    ("start", "again"), [("first", [1, 2, 3, 4, 5, 6]), ("now", [5, 6]), (3, [3, 4, 5, 6]), (9, [5, 6])]
)
def test_a_follower_restarts_with_the_new_epoch(new_log: NewLog, start: str | int, again: list[int]) -> None:
    """From the first event, or from the first one told again, however long the way back took."""
    log = new_log(10)

    async def story() -> tuple[Reader, int]:
        with served(log) as server:
            reader = Reader(server.server.port, Subscription(start=start))  # type: ignore[arg-type]  # drawn
            reading = asyncio.create_task(reader.read())

            async def until(condition: Callable[[], bool]) -> None:
                while not condition():
                    assert not reading.done(), f"following has ended: {reader.told}"
                    await asyncio.sleep(0.005)

            await until(lambda: reader.follower.next is not None)
            await until(lambda: start == "now" or reader.sequences[-1:] == [10])
            before = len(reader.sequences)
            epoch = jumped(server, log, 4)
            await until(lambda: any("moved to another time" in line for line in reader.told))
            log.finish()  # not of this epoch, which has not told all of it
            epoch.tell_to(7)
            await until(lambda: len(reader.sequences) >= before + len(again))
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            return reader, before

    reader, before = asyncio.run(story())

    assert reader.sequences[before:] == again
    assert reader.told[-1] == f"the replay moved to another time: starting again with event {again[0]}"
    assert reader.hello["run"] == "run-1.2"


def test_older_clients_stay_connected_and_get_repeated_events(new_log: NewLog) -> None:
    """Their protocol knows no runs; counts are those of the ticker up to there, not of all that was ever told."""
    log = new_log(6)

    async def story() -> tuple[list[dict[str, object]], list[dict[str, object]]]:
        with old_server(log) as server:
            async with old_client(server, "7") as old:
                log.add(9)
                before = [await asyncio.wait_for(old.events.get(), 60) for _ in range(9)]
                jumped(server, log, 6).tell_to(16)
                return in_order(before), in_order([await asyncio.wait_for(old.events.get(), 60) for _ in range(9)])

    before, again = asyncio.run(story())

    assert again == before
