"""Control of a served replay."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tickstock_cli.broadcast.status import RunStatus
from tickstock_cli.core.times import format_time
from tickstock_cli.engine.control import Control
from tickstock_cli.errors import UsageError
from tickstock_cli.runtime.pipeline import MultiChannelPipeline

OPENING_SECONDS = 10.0
"""Limit of a seek's wait for the recording to be opened."""

MOVING_SECONDS = 5.0
"""Limit of a wait for tickers to change sides of a rollout."""

STEERING = ("pause", "resume", "step", "speed", "seek")
"""The actions that need a paced run."""


@dataclass(frozen=True, slots=True)
class RunControl:
    """Controls a served replay."""

    control: Control
    state: RunStatus

    def pause(self) -> None:
        """Pause the market.

        Raises
        ------
        UsageError
            The run is over, live, or flat out; the other methods that steer the market raise it likewise.
        """
        self._check_paced("cannot be paused")
        self.control.pause()

    def resume(self) -> None:
        self._check_paced("cannot be paused")
        self.control.resume()

    def step(self) -> None:
        self._check_paced("cannot go row by row")
        self.control.step()

    def set_speed(self, speed: float) -> None:
        """Replay at ``speed`` times recorded time."""
        self._check_paced("has no speed to change")
        self.control.set_speed(speed)

    def seek(self, time: int) -> None:
        """Move to a recorded time (ns UTC), forward or back.

        Raises
        ------
        UsageError
            The time is beyond the recording, or it is past and cannot be read again.
        """
        wanted = f"the market cannot go to {format_time(time)}"
        if not self.state.opened.wait(OPENING_SECONDS):
            raise UsageError(f"{wanted}: the recording is still being opened; try again")
        now, (first, last) = self.state.market_time, self.state.span or (None, None)
        self._check_paced("cannot go to another time")
        if first is not None and time < first:
            raise UsageError(f"{wanted}: the recording begins at {format_time(first)}")
        if last is not None and time > last:
            raise UsageError(f"{wanted}: the recording ends at {format_time(last)}")
        if not self.state.repeatable and now is not None and time < now:
            raise UsageError(f"{wanted}: it is at {format_time(now)}, and what came through a pipe comes only once")
        self.control.seek(time)
        self.state.catching_up(lambda: self.control.target is None)

    def kill(self, channel: str) -> None:
        """Kill a channel instance by name; the system restarts it.

        Raises
        ------
        UsageError
            There is no such instance, or no system is running.
        """
        pipeline = self._pipeline("channels could be killed")
        instances = {instance.name: instance for instance in pipeline.system.instances()}
        if channel not in instances:
            raise UsageError(f"there is no channel {channel}; there are {', '.join(instances)}")
        pipeline.call(instances[channel].kill())

    def set_rollout(self, percent: float) -> None:
        """Let ``percent`` of the tickers take the multi-channel path.

        Raises
        ------
        UsageError
            No system is running, or it has no gradual rollout.
        """
        pipeline = self._pipeline("rollout could be changed")
        with suppress(TimeoutError):  # the share is set; tickers of a long batch change sides after it
            pipeline.call(asyncio.wait_for(pipeline.system.set_rollout_percent(percent), MOVING_SECONDS))

    def status(self) -> Mapping[str, Any]:
        """Return the control status, with the target of a seek, the recording's span, and the actions that it takes."""
        first, last = self.state.span or (None, None)
        return {
            "paused": self.control.paused,
            "speed": self.control.speed,
            "time": self.state.market_time,
            "going_to": self.control.target,
            "first": first,
            "last": last,
            "over": self.state.over,
            "rollout_percent": self._rollout_percent(),
            "actions": self._actions(),
        }

    @property
    def _is_paced(self) -> bool:
        """Whether the rows are fed by a schedule that can be changed."""
        return self.control.speed is not None and not self.state.is_live

    def _check_paced(self, what: str) -> None:
        """Raise UsageError, which says ``what`` holds of the run, unless it is paced and under way."""
        if self.state.over:
            raise UsageError(f"the run is over and {what}; start it again")
        if self.state.is_live:
            raise UsageError(f"a live run goes in the time of its feed and {what}; `tickstock replay` its recording")
        if self.control.speed is None:
            raise UsageError(f"the replay runs flat out and {what}; start it with --speed N")

    def _actions(self) -> list[str]:
        """Return the names of the actions that the run takes now."""
        if self.state.over:
            return []
        actions = [*STEERING] if self._is_paced else []
        if self.state.pipeline is not None:
            actions.append("kill")
        if self._rollout_percent() is not None:
            actions.append("rollout")
        return actions

    def _pipeline(self, what: str) -> MultiChannelPipeline:
        """Return the pipeline of the running system, or raise UsageError: none is running whose ``what``."""
        pipeline = self.state.pipeline
        if pipeline is None or self.state.over:
            raise UsageError(f"no system is running whose {what}")
        return pipeline

    def _rollout_percent(self) -> float | None:
        rollout = None if self.state.pipeline is None else self.state.pipeline.system.rollout
        return None if rollout is None else rollout.percent
