"""The connection below a session: it ends, whatever its client does."""

from __future__ import annotations

import asyncio
import logging
import socket

from tickstock_cli.serving.wire import FAULTS_OF_CLIENTS, BoundedTransport, OwnFaults


class Peer(asyncio.Protocol):
    """Tells when its connection is lost."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.lost.set()


def test_a_connection_whose_client_reads_nothing_is_cut_when_it_is_closed() -> None:
    """Closing waits for the buffer to empty; a client that has stopped reading would hold it, and us, for ever."""

    async def story() -> bool:
        ours, theirs = socket.socketpair()
        with theirs:
            transport, peer = await asyncio.get_running_loop().create_connection(Peer, sock=ours)
            bounded = BoundedTransport(transport)
            bounded.write(bytes(1 << 24))
            bounded.close()
            assert bounded.get_write_buffer_size() > 0
            await peer.lost.wait()
            return bool(bounded.is_closing())

    assert asyncio.run(story())


def test_errors_of_clients_are_not_logged_and_server_errors_are() -> None:
    """Whoever reads the log looks for what has to be mended here."""
    passed = [
        text
        for text in (*FAULTS_OF_CLIENTS, "Exception in ASGI application\n")
        if OwnFaults().filter(logging.makeLogRecord({"msg": text}))
    ]

    assert passed == ["Exception in ASGI application\n"]
