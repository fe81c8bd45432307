"""``--serve``: the server beside a replay, from before its first row until nobody needs it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from tickstock_cli.cli.access import read_token, warn_if_open

if TYPE_CHECKING:
    from tickstock_cli.broadcast.broadcast import Broadcast
    from tickstock_cli.engine.control import Control
    from tickstock_cli.replay import Request

DRAIN_SECONDS = 10.0
"""How long clients get for the last events where no terminal keeps the server."""


@contextmanager
def broadcasting(
    request: Request, control: Control, listen: str | None, token: str | None, log: Path | None
) -> Iterator[Broadcast | None]:
    """Serve a replay on ``listen`` (see ``serving.server.parse_host_port``) as long as the context lasts.

    Raises
    ------
    UsageError
        ``listen`` is no address, or ``token`` no token.
    ServingError
        The address is taken.
    """
    if listen is None:
        yield None
        return
    from tickstock_cli.broadcast.broadcast import Broadcast
    from tickstock_cli.serving.server import Address, parse_host_port

    host, port = parse_host_port(listen)
    address = Address(host, port, read_token(token))
    warn_if_open(address)
    with Broadcast(request, control, address, log) as broadcast:
        print(f"serving on {broadcast.url}", file=sys.stderr)
        yield broadcast


def stay(broadcast: Broadcast, control: Control) -> None:
    """Keep a finished run served: on a terminal until Ctrl-C, else until every client has all events."""
    if not sys.stderr.isatty():
        if not broadcast.drain(DRAIN_SECONDS):
            print(f"note: after {DRAIN_SECONDS:g} s some clients had not taken every event", file=sys.stderr)
        return
    print(f"the run is over; still serving on {broadcast.url} — Ctrl-C ends", file=sys.stderr)
    interrupted = Event()
    while not control.stopped and not interrupted.wait(0.2):
        pass
