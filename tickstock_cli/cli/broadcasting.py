"""``--serve``: the server beside a replay, from before its first row until all clients have its events."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from tickstock_cli.errors import DataError

if TYPE_CHECKING:
    from tickstock_cli.broadcast.broadcast import Broadcast
    from tickstock_cli.engine.control import Control
    from tickstock_cli.replaying import Request
    from tickstock_cli.serving.server import Address


def check_before_serving(request: Request, arguments: Sequence[str] | None = None) -> None:
    """Raise the errors that stop a replay before its first row, before a client can connect to it.

    Parameters
    ----------
    arguments
        The words of the command; None: those of this process. A path after ``--serve`` may be a mistaken address.

    Raises
    ------
    UsageError
        The request contradicts itself.
    DataError
        A recording is missing or cannot be read.
    """
    from tickstock_cli.replaying import check

    try:
        check(request)
    except DataError as error:
        words = sys.argv if arguments is None else arguments
        following = next((word for option, word in pairwise(words) if option == "--serve"), None)
        if following is None or following not in map(str, request.paths) or os.path.lexists(following):
            raise
        raise DataError(
            f"{error}; the word after --serve is read as a path unless it is an address: for an address write "
            "HOST:PORT, as in 127.0.0.1:8765"
        ) from error


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
