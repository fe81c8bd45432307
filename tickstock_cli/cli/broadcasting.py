"""``--serve``: the server beside a replay, from before its first row until all clients have its events."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tickstock_cli.broadcast.broadcast import Broadcast
    from tickstock_cli.engine.control import Control
    from tickstock_cli.replaying import Request
    from tickstock_cli.serving.server import Address


@contextmanager
def broadcasting(
    request: Request, control: Control, address: Address | None, log: Path | None, title: str | None = None
) -> Iterator[Broadcast | None]:
    """Serve a run at ``address`` within the context; None serves nothing. ``title`` is that of `Broadcast`.

    Raises
    ------
    UsageError
        Socket.IO is asked for and not installed.
    ServingError
        The address is taken.
    """
    if address is None:
        yield None
        return
    from tickstock_cli.broadcast.broadcast import Broadcast

    with Broadcast(request, control, address, log, title=title) as broadcast:
        print(f"serving on {broadcast.url}", file=sys.stderr)
        yield broadcast


def hand_over(broadcast: Broadcast, seconds: float) -> None:
    """Wait at most ``seconds`` until every client has the last events."""
    if not broadcast.drain(seconds):
        print(f"note: after {seconds:g} s some clients had not taken every event", file=sys.stderr)


def stay(broadcast: Broadcast, control: Control, seconds: float) -> None:
    """Keep a finished run served: on a terminal until Ctrl-C, else until every client has all events."""
    if not sys.stderr.isatty():
        hand_over(broadcast, seconds)
        return
    print(f"the run is over; still serving on {broadcast.url} — Ctrl-C ends", file=sys.stderr)
    interrupted = Event()
    while not control.stopped and not interrupted.wait(0.2):
        pass
