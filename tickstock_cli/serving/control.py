"""Steering a replay over HTTP: one action a request, and what stands after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from tickstock_cli.core.times import parse_time
from tickstock_cli.errors import UsageError
from tickstock_cli.serving.ports import ControlPort


class _Action(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @property
    def field(self) -> str:
        """The key that says what a run may not be able to do."""
        return next((name for name in type(self).model_fields if name != "action"), "action")


class Pause(_Action):
    """Let the market stand still."""

    action: Literal["pause"]


class Resume(_Action):
    """Let it go on."""

    action: Literal["resume"]


class Step(_Action):
    """Pause if running; let one more row through."""

    action: Literal["step"]


class SetSpeed(_Action):
    """Go faster or slower."""

    action: Literal["speed"]
    speed: float = Field(gt=0, le=1e6, description="times recorded time")


class Seek(_Action):
    """Go to a recorded time, with the state that the market had then."""

    action: Literal["seek"]
    time: str | int = Field(description="ISO 8601 (UTC unless it has a zone), or an integer since 1970")


class Kill(_Action):
    """Let a channel instance die, to see that nothing is lost; it is started again by itself."""

    action: Literal["kill"]
    channel: str = Field(description="its name on the dashboard, such as tick-1")


Action = Pause | Resume | Step | SetSpeed | Seek | Kill
ControlRequest = Annotated[Action, Field(discriminator="action")]

_REQUEST: TypeAdapter[Action] = TypeAdapter(ControlRequest)


class ControlError(ValueError):
    """A request was not understood; ``field`` is the key that is wrong."""

    def __init__(self, message: str, field: str | None) -> None:
        super().__init__(message)
        self.field = field


def read_action(body: bytes) -> Action:
    """Read what to do.

    Raises
    ------
    ControlError
        The body is none of the actions.
    """
    try:
        return _REQUEST.validate_json(body)
    except ValidationError as error:
        raise _control_error(error) from error


def _control_error(error: ValidationError) -> ControlError:
    first = error.errors(include_url=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        return ControlError('the body is no JSON: send one object such as {"action": "pause"}', None)
    place = [str(part) for part in first["loc"][1:2]]
    if not place:
        return ControlError("action must be one of pause, resume, step, speed, seek, kill", "action")
    return ControlError(f"{place[0]}: {first['msg'][:1].lower()}{first['msg'][1:]}", place[0])


def perform(control: ControlPort, wanted: Action) -> Mapping[str, Any]:
    """Do it, and give what stands after it. May block.

    Raises
    ------
    ControlError
        A time to seek cannot be read.
    TickstockError
        The run cannot do it.
    """
    if isinstance(wanted, Pause):
        control.pause()
    elif isinstance(wanted, Resume):
        control.resume()
    elif isinstance(wanted, Step):
        control.step()
    elif isinstance(wanted, SetSpeed):
        control.set_speed(wanted.speed)
    elif isinstance(wanted, Seek):
        control.seek(_time(wanted.time))
    else:
        control.kill(wanted.channel)
    return control.status()


def _time(text: str | int) -> int:
    try:
        return parse_time(str(text))
    except UsageError as error:
        raise ControlError(str(error), "time") from error


def control_schema() -> dict[str, Any]:
    """Return the JSON schema of what ``POST /api/control`` takes."""
    return {"title": "What POST /api/control takes", **_REQUEST.json_schema()}
