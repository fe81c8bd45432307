"""What a served run lets a user do, and what it says to the rest."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

import pytest

from tickstock_cli.broadcast.broadcast import Broadcast
from tickstock_cli.broadcast.control import STEERING, RunControl
from tickstock_cli.broadcast.status import RunStatus
from tickstock_cli.build import settings_model
from tickstock_cli.config.load import load
from tickstock_cli.core.calendar import Calendar
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.observer import Observer
from tickstock_cli.errors import UsageError
from tickstock_cli.replaying import Request
from tickstock_cli.serving.server import Address
from tickstock_cli.sources.opening import open_source
from tickstock_cli.sources.options import ReadOptions

CALLS: MappingProxyType[str, Callable[[RunControl], None]] = MappingProxyType(
    {
        "pause": RunControl.pause,
        "resume": RunControl.resume,
        "step": RunControl.step,
        "speed": lambda run: run.set_speed(2.0),
        "seek": lambda run: run.seek(1),
    }
)


def opened(speed: float | None, *, is_live: bool = False) -> RunControl:
    """Return the control of a run whose source is open."""
    status = RunStatus(Calendar("XNYS"), is_live=is_live)
    status.opened.set()
    return RunControl(Control(speed), status)


def test_a_paced_replay_takes_all_that_steers_it() -> None:
    """Each action that it names; after its end there is nothing left to steer."""
    run = opened(20.0)
    assert run.status()["actions"] == list(STEERING) == list(CALLS)
    for call in CALLS.values():
        call(run)
    run.state.over = True

    assert run.status()["actions"] == []
    with pytest.raises(UsageError, match="the run is over and cannot be paused"):
        run.pause()


@pytest.mark.parametrize("action", STEERING)
@pytest.mark.parametrize(
    ("speed", "is_live", "words"),
    [
        (None, True, "a live run goes in the time of its feed and "),
        (20.0, True, "a live run goes in the time of its feed and "),
        (None, False, "the replay runs flat out and "),
    ],
)
def test_what_steers_nothing_is_refused(action: str, speed: float | None, is_live: bool, words: str) -> None:
    """A live run said "paused", and events went on; so did a replay that runs flat out."""
    run = opened(speed, is_live=is_live)

    with pytest.raises(UsageError, match=words):
        CALLS[action](run)
    assert run.status()["actions"] == []
    assert not run.status()["paused"]


@pytest.mark.parametrize(("speed", "actions"), [(None, []), (60.0, list(STEERING))])
def test_rows_of_a_pipe_are_live_unless_a_speed_paces_them(
    tmp_path: Path, speed: float | None, actions: list[str]
) -> None:
    """With ``--speed`` a stream is fed by the schedule of its rows, like a recording, and can be paused."""
    os.mkfifo(tmp_path / "pipe")
    source = open_source([f"arrow:{tmp_path / 'pipe'}"], ReadOptions())
    settings = load(settings_model(), file=None, environment={}, assignments=[]).settings
    with Broadcast(Request(paths=["arrow:pipe"], settings=settings), Control(speed), Address(port=0)) as broadcast:
        broadcast.beside(Observer(), source)

        control = broadcast.server.hub.served.control
        assert control is not None
        assert control.status()["actions"] == actions
    source.close()
