"""Connections of clients that never finish: each has a deadline, and all of them together a bound."""

from __future__ import annotations

import json
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from threading import Event, Timer

import httpx
import pytest

from tests.unit.serving.served_runs import FixedPrices, NewLog, Steered, client, served
from tickstock_cli.serving.connections import LEAST_CONNECTIONS, most_connections
from tickstock_cli.serving.hub import Limits
from tickstock_cli.serving.ports import PriceLine
from tickstock_cli.serving.server import ServerThread

SHORT = Limits(request_seconds=0.2, send_seconds=0.2)
HALF = b"GET /status HTTP/1.1\r\nHost: localhost\r\n"


def opened(server: ServerThread, sent: bytes = b"") -> socket.socket:
    """Connect to a server, and send it something."""
    connection = socket.create_connection(("127.0.0.1", server.server.port), timeout=60)
    connection.sendall(sent)
    return connection


def answer(connection: socket.socket) -> tuple[int, str]:
    """Read an answer up to the end of the connection; return its status and the error's message."""
    received = b""
    while part := connection.recv(65_536):
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["error"]["message"]


def drip(connection: socket.socket) -> bytes:
    """Send a byte every hundredth of a second until the server ends the connection; return what it sent."""
    received = b""
    connection.settimeout(0.01)
    while True:
        try:
            connection.send(b"G")
            part = connection.recv(65_536)
        except TimeoutError:
            continue
        except ConnectionError:
            return received
        if not part:
            return received
        received += part


@contextmanager
def open_files(soft: int) -> Iterator[None]:
    """Lower the number of files that this process may open for a while."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.parametrize("sent", [b"", b"G", HALF])
def test_a_request_that_is_never_finished_is_ended(new_log: NewLog, sent: bytes) -> None:
    """Whoever opens connections and sends nothing would else keep them for ever; the metrics count such clients."""
    with served(new_log(), limits=SHORT) as server, opened(server, sent) as connection:
        assert answer(connection) == (408, "no complete request came within 0.2 s; send it at once")

        metrics = httpx.get(f"http://127.0.0.1:{server.server.port}/metrics", timeout=60).text
        assert "tickstock_timed_out_requests_total 1.0" in metrics


def test_single_bytes_do_not_prolong_a_request(new_log: NewLog) -> None:
    """The deadline is that of the whole head, on a connection that is used again, too."""
    with served(new_log(), limits=SHORT) as server, opened(server, HALF + b"\r\n") as connection:
        assert connection.recv(12) == b"HTTP/1.1 200"
        dripped = drip(connection)

        assert dripped.endswith(b'send it at once"}}')
        assert server.server.hub.connections.timed_out == 1


def test_a_body_that_is_never_finished_is_ended(new_log: NewLog) -> None:
    """A head alone must not be enough to hold a request open."""
    head = b"POST /api/control HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\nConnection: close\r\n\r\n{"
    with served(new_log(), limits=SHORT, control=Steered()) as server, opened(server, head) as connection:
        assert answer(connection) == (408, "the body was not complete within 0.2 s; send it at once")


def test_a_client_that_takes_no_answer_is_cut_off(new_log: NewLog) -> None:
    """It asks for more than the buffers hold, and reads nothing."""
    head = b"GET /api/events?limit=10000 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with served(new_log(10_000), limits=SHORT) as server, opened(server, head * 3) as connection:
        while not server.server.hub.connections.stalled:
            with suppress(ConnectionError):
                connection.send(b"\r\n")

        assert server.server.hub.status()["cut_off"] == 1


def test_connections_beyond_the_limit_are_answered_503(new_log: NewLog) -> None:
    """In the form of every error; the next one comes in when others have left."""
    with served(new_log()) as server, ExitStack() as connections:
        server.server.hub.connections.limit = 3
        held = [connections.enter_context(opened(server)) for _ in range(3)]
        beyond = answer(connections.enter_context(opened(server)))
        for connection in held:
            connection.close()
        with client(server) as reader:
            assert reader.hello["type"] == "hello"

        assert beyond == (503, "the server has 3 connections, its limit; try again later")
        assert "tickstock_refused_connections_total 1.0" in httpx.get(f"{server.server.url}metrics", timeout=60).text


def test_half_open_connections_leave_files_for_the_run(new_log: NewLog) -> None:
    """With 64 files, 80 connections closed the server to everybody, and the run could open no file any more."""
    with open_files(64):
        assert most_connections(1_000) == 16
    with open_files(20):
        assert most_connections(1_000) == LEAST_CONNECTIONS
    assert most_connections(5) == 5
    with served(new_log()) as server:
        assert server.server.hub.connections.limit <= resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 48


def test_a_request_that_a_stopping_server_cancels_is_answered(
    new_log: NewLog, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """In the form of every error, and without a traceback in the log of a run that ends as it should."""
    monkeypatch.setattr("tickstock_cli.serving.server.STOP_SECONDS", 1)
    asked, end = Event(), Event()

    class Blocked(FixedPrices):
        def prices(self, ticker: str) -> PriceLine:
            asked.set()
            end.wait(60)
            return super().prices(ticker)

    head = b"GET /api/prices?ticker=ABC HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with served(new_log(), prices=Blocked()) as server, opened(server, head) as connection:
        assert asked.wait(60)
        Timer(2, end.set).start()  # the thread's end waits for it
        server.stop()

        assert answer(connection) == (503, "the server is stopping; try again later")
    assert [record.exc_info for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize("sent", [b"\x00\x01\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\n:\r\n\r\n"])
def test_what_is_no_http_is_answered_in_json(new_log: NewLog, sent: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """Every error has one form, and what a client sends does not fill the log."""
    with served(new_log()) as server, opened(server, sent) as connection:
        status, message = answer(connection)

    assert (status, message) == (400, "Invalid HTTP request received.")
    assert caplog.records == []
