"""Control of a replay over HTTP: one action per request; the response is the control status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from tickstock_cli.core.times import parse_time
from tickstock_cli.errors import UsageError
from tickstock_cli.serving.bounded import shortened
from tickstock_cli.serving.ports import ControlPort

FASTEST = 1e6


class _Action(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @property
    def field(self) -> str:
        """The key that an error of the run refers to."""
        return next((name for name in type(self).model_fields if name != "action"), "action")


class Pause(_Action):
    """Pause the replay."""

    action: Literal["pause"]


class Resume(_Action):
    """Resume the replay."""

    action: Literal["resume"]


class Step(_Action):
    """Pause, and replay one row."""

    action: Literal["step"]


class SetSpeed(_Action):
    """Change the speed."""

    action: Literal["speed"]
    speed: Annotated[float, Field(gt=0, le=FASTEST)] | Literal["max"] = Field(
        description="times recorded time, or max: the fastest of these"
    )


class Seek(_Action):
    """Move to a recorded time, with the state of that time."""

    action: Literal["seek"]
    time: str | int = Field(description="ISO 8601 (UTC unless it has a zone), or an integer since 1970")


class Kill(_Action):
    """Kill a channel instance to test recovery; the system restarts it."""

    action: Literal["kill"]
    channel: str = Field(description="name of the instance on the dashboard, such as tick-1")


class SetRollout(_Action):
    """Change the share of the tickers that take the multi-channel path of a gradual rollout."""

    action: Literal["rollout"]
    percent: float = Field(ge=0, le=100, description="of the tickers, by shard")


Action = Pause | Resume | Step | SetSpeed | Seek | Kill | SetRollout
ControlRequest = Annotated[Action, Field(discriminator="action")]

OR_MAX = ', or "max"'

_REQUEST: TypeAdapter[Action] = TypeAdapter(ControlRequest)


class ControlError(ValueError):
    """A request is invalid; ``field`` is the wrong key."""

    def __init__(self, message: str, field: str | None) -> None:
        super().__init__(message)
        self.field = field


def read_action(body: bytes) -> Action:
    """Read an action.

    Raises
    ------
    ControlError
        The body is not one of the actions.
    """
    try:
        return _REQUEST.validate_json(body)
    except ValidationError as error:
        raise _control_error(error) from error


def _control_error(error: ValidationError) -> ControlError:
    first = error.errors(include_url=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        return ControlError('the body is not JSON: send one object such as {"action": "pause"}', None)
    place = [str(part) for part in first["loc"][1:2]]
    if not place:
        return ControlError("action must be one of pause, resume, step, speed, seek, kill, rollout", "action")
    reason = f"{first['msg'][:1].lower()}{first['msg'][1:]}"
    return ControlError(f"{shortened(place[0])}: {reason}{OR_MAX if place[0] == 'speed' else ''}", place[0])


def perform(control: ControlPort, wanted: Action) -> Mapping[str, Any]:
    """Perform an action, and return the control status. May block.

    Raises
    ------
    ControlError
        A time to seek cannot be read.
    TickstockError
        The run cannot perform the action.
    """
    if isinstance(wanted, Pause):
        control.pause()
    elif isinstance(wanted, Resume):
        control.resume()
    elif isinstance(wanted, Step):
        control.step()
    elif isinstance(wanted, SetSpeed):
        control.set_speed(FASTEST if wanted.speed == "max" else wanted.speed)
    elif isinstance(wanted, Seek):
        control.seek(_time(wanted.time))
    elif isinstance(wanted, SetRollout):
        control.set_rollout(wanted.percent)
    else:
        control.kill(wanted.channel)
    return control.status()


def _time(text: str | int) -> int:
    try:
        return parse_time(str(text))
    except UsageError as error:
        raise ControlError(str(error), "time") from error


def control_schema() -> dict[str, Any]:
    """Return the JSON schema of the body of ``POST /api/control``."""
    return {"title": "What POST /api/control takes", **_REQUEST.json_schema()}
