"""Steering a served replay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tickstock_cli.broadcast.status import RunStatus
from tickstock_cli.core.times import format_time
from tickstock_cli.engine.control import Control
from tickstock_cli.errors import UsageError


@dataclass(frozen=True, slots=True)
class RunControl:
    """Steers a served replay."""

    control: Control
    state: RunStatus

    def pause(self) -> None:
        """See ``ControlPort``."""
        self.control.pause()

    def resume(self) -> None:
        """See ``ControlPort``."""
        self.control.resume()

    def step(self) -> None:
        """See ``ControlPort``."""
        self.control.step()

    def set_speed(self, speed: float) -> None:
        """See ``ControlPort``.

        Raises
        ------
        UsageError
            The replay runs flat out.
        """
        if self.control.speed is None:
            raise UsageError("the replay runs flat out and has no speed to change; start it with --speed N")
        self.control.set_speed(speed)

    def seek(self, time: int) -> None:
        """See ``ControlPort``.

        Raises
        ------
        UsageError
            The market is beyond that time: what was told cannot be taken back.
        """
        now = self.state.market_time
        if now is not None and time < now:
            raise UsageError(
                f"the market is at {format_time(now)} and cannot go back to {format_time(time)}: its events have been "
                "told; start another replay with --start"
            )
        self.control.seek(time)

    def status(self) -> Mapping[str, Any]:
        """See ``ControlPort``."""
        return {
            "paused": self.control.paused,
            "speed": self.control.speed,
            "time": self.state.market_time,
            "over": self.state.over,
        }
