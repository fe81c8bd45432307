"""The server as a whole: where it listens, who may come in, and how it ends."""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import closing

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.unit.serving.served_runs import NewLog, RunOutput, Steered, client, served
from tickstock_cli.errors import ServingError, UsageError
from tickstock_cli.serving.served import ServedRun
from tickstock_cli.serving.server import Address, EventServer, ServerThread, parse_host_port

SECRET = Address(port=0, token="let-me-in")


def base(server: ServerThread) -> str:
    """Return the address of a server, without a token."""
    return f"http://127.0.0.1:{server.server.port}"


def test_a_taken_address_is_one_line(new_log: NewLog) -> None:
    """Before anything runs; it says what to do."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServingError) as refused, served(new_log(), address=Address(port=port)):
            pass

    assert str(refused.value) == (
        f"cannot serve on 127.0.0.1:{port}: address already in use; choose another port, 0 takes any free one"
    )
    assert refused.value.exit_code == 1


def test_an_address_of_another_machine_is_one_line(new_log: NewLog) -> None:
    """The message names the reason and a remedy: another port does not help."""
    with pytest.raises(ServingError, match=r"cannot serve on 192\.0\.2\.1:0: cannot assign requested address") as told:
        EventServer(ServedRun(new_log(), "run", RunOutput()), Address("192.0.2.1", 0))

    assert "use 127.0.0.1 for this machine only" in str(told.value)
    assert "port" not in str(told.value)


@pytest.mark.parametrize("text", ["localhost:http", "localhost:65536", ":-1", "[::1]:x"])
def test_an_invalid_port_is_an_error(text: str) -> None:
    """As usage, before anything runs."""
    with pytest.raises(UsageError, match="the port must be 0 to 65535"):
        parse_host_port(text)


@pytest.mark.parametrize("text", ["a..b:80", f"{'x' * 64}.example", "exa mple:80"])
def test_what_no_resolver_takes_is_no_host(text: str) -> None:
    """The resolver's own error says neither the name nor what is wrong with it."""
    with pytest.raises(UsageError, match="it is not the name or the address of a host; write HOST:PORT"):
        parse_host_port(text)


def test_a_server_runs_in_an_existing_loop(new_log: NewLog) -> None:
    """Beside a runtime, without a thread; signals stay the runtime's."""

    async def story() -> tuple[int, dict[str, object]]:
        server = EventServer(ServedRun(new_log(3), "run", RunOutput()), Address(port=0))
        await server.start()
        async with httpx.AsyncClient(timeout=60) as http:
            page = (await http.get(f"{server.url}api/events")).json()
        await server.stop()
        await server.stop()
        return len(page["events"]), page

    count, page = asyncio.run(story())

    assert (count, page["last_sequence"]) == (3, 3)


def test_a_server_that_cannot_start_releases_its_address(new_log: NewLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has no file left cannot even have a loop: nobody may wait for it."""

    def refuse() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr("asyncio.events.new_event_loop", refuse)
        thread = ServerThread(ServedRun(new_log(), "run-1", RunOutput()), Address(port=0))
        with pytest.raises(OSError, match="Too many open files"):
            thread.__enter__()

    with closing(socket.create_server(("127.0.0.1", thread.server.port))):
        pass


def test_stopping_asks_every_client_to_reconnect(new_log: NewLog) -> None:
    """1012, service restart; a program waits and connects anew."""
    with served(new_log()) as server, client(server) as reader:
        server.stop()
        with pytest.raises(ConnectionClosed) as closed:
            reader.next()

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012


def test_a_drain_waits_until_clients_have_all_events(new_log: NewLog) -> None:
    """A run that ends does not cut off its last events."""
    log = new_log(5_000)
    with served(log) as server, client(server) as reader:
        reader.subscribe(**{"from": "first"})
        log.finish()
        assert server.drain(20)
        server.stop()

        assert reader.sequences(5_000)[-1] == 5_000


def test_a_client_that_does_not_acknowledge_delays_the_end_for_a_limited_time(new_log: NewLog) -> None:
    """The wait is bounded, and says that somebody lacks something."""
    with served(new_log(10)) as server, client(server) as reader:
        reader.subscribe(**{"from": "first", "window": 2})
        reader.sequences(2)

        assert not server.drain(0.05)


def test_without_the_token_no_data_is_served(new_log: NewLog, caplog: pytest.LogCaptureFixture) -> None:
    """Neither over HTTP nor over the WebSocket; the page and the health hold nothing secret. Nor does our log tell."""
    with served(new_log(1), address=SECRET) as server:
        answers = {
            path: httpx.get(base(server) + path, timeout=60).status_code
            for path in ("/status", "/metrics", "/api/events")
        }
        refused = httpx.get(f"{base(server)}/status", headers={"Authorization": "Bearer let-me-out"}, timeout=60)
        with pytest.raises(InvalidStatus) as handshake, client(server):
            pass

        assert set(answers.values()) == {401}
        assert refused.status_code == 401
        assert handshake.value.response.status_code == 401
        assert [
            httpx.get(base(server) + path, timeout=60).status_code for path in ("/", "/static/app.js", "/health")
        ] == [200] * 3
    assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []


def test_the_token_comes_in_a_header_or_in_the_address(new_log: NewLog) -> None:
    """A browser cannot set headers on a WebSocket."""
    with served(new_log(1), address=SECRET) as server:
        with client(server, headers=[("Authorization", "Bearer let-me-in")]) as reader:
            assert reader.hello["run"] == "run-1"
        with client(server, path="/ws?token=let-me-in") as reader:
            assert reader.hello["run"] == "run-1"

        assert httpx.get(f"{base(server)}/status?token=let-me-in", timeout=60).status_code == 200
        assert server.server.url.endswith("/?token=let-me-in")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "http://["])
def test_other_origins_are_rejected(new_log: NewLog, origin: str) -> None:
    """Any page a user has open could else read the run, or steer it."""
    control = Steered()
    with served(new_log(1), control=control) as server:
        posted = httpx.post(
            f"{base(server)}/api/control", json={"action": "pause"}, headers={"Origin": origin}, timeout=60
        )
        with pytest.raises(InvalidStatus) as handshake, client(server, headers=[("Origin", origin)]):
            pass

    assert posted.status_code == 403
    assert handshake.value.response.status_code == 403
    assert not control.paused


def test_the_own_page_and_named_origins_can_connect(new_log: NewLog) -> None:
    """The browser says where a page is from."""
    address = Address(port=0, origins=("https://desk.example",))
    with served(new_log(1), address=address) as server:
        for origin in (base(server), "https://desk.example"):
            with client(server, headers=[("Origin", origin)]) as reader:
                assert reader.hello["type"] == "hello"


def test_a_foreign_name_for_loopback_is_refused(new_log: NewLog) -> None:
    """A page whose name was made to point at 127.0.0.1 has the origin that its Host header names."""
    with served(new_log(1)) as server:
        name = f"evil.example:{server.server.port}"
        answer = httpx.get(f"{base(server)}/status", headers={"Host": name, "Origin": f"http://{name}"}, timeout=60)
        local = httpx.get(f"{base(server)}/status", headers={"Host": f"localhost:{server.server.port}"}, timeout=60)

    assert answer.status_code == 403
    assert local.status_code == 200


def test_bytes_that_are_no_text_end_the_connection_quietly(new_log: NewLog, caplog: pytest.LogCaptureFixture) -> None:
    """1007, and no traceback in our log for what a client did."""
    with served(new_log()) as server:
        url = f"ws://127.0.0.1:{server.server.port}/ws"
        with connect(url, proxy=None, open_timeout=60) as connection:
            connection.recv()
            connection.send(b"\xff\xfe", text=True)
            with pytest.raises(ConnectionClosed) as closed:
                connection.recv()

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1007
    assert caplog.records == []
