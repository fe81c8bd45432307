"""The messages of the WebSocket: pydantic models, from which the JSON schemas of ``docs/schemas`` are written.

Every message is one JSON object with a ``type``. Keys a client does not know are for a newer client: it ignores
them. The server is strict, so that a misspelt filter is an error and no silence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

PROTOCOL_VERSION = 1

MAX_MESSAGE_BYTES = 262_144
"""Longest message a client may send: a subscription to 10,000 tickers fits in."""

MAX_TICKERS = 10_000
MAX_NAMES = 64
MAX_WINDOW = 100_000
MAX_SHOWN = 40
"""Characters of a wrong value that an error repeats."""

Name = Annotated[str, Field(min_length=1, max_length=64)]
SourceName = Literal["tick", "websocket", "ohlcv", "fmv", "channel"]

ErrorCode = Literal["malformed", "invalid", "expired", "ahead", "other_run", "unreadable"]


class ClientRequest(BaseModel):
    """What a client may send."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Subscribe(ClientRequest):
    """Ask for events. A later one replaces an earlier one; what is left out does not filter."""

    type: Literal["subscribe"]
    kinds: Annotated[list[Name], Field(max_length=MAX_NAMES)] | None = Field(
        default=None, description="only these kinds: high, low, surge, trend, fmv"
    )
    tickers: Annotated[list[Name], Field(max_length=MAX_TICKERS)] | None = Field(
        default=None, description="only these tickers"
    )
    universe: Name | None = Field(
        default=None, description="only tickers of this universe, one that hello names; with tickers: of both"
    )
    user_universe: Annotated[list[Name], Field(max_length=MAX_TICKERS)] | Name | None = Field(
        default=None,
        description="your own universe, by its name or as tickers: filters nothing, but of what is sent together its "
        "events come before others inside, and before others outside the core universe",
    )
    sources: Annotated[list[SourceName], Field(max_length=MAX_NAMES)] | None = Field(
        default=None, description="only events that these sources told"
    )
    min_priority: int | None = Field(
        default=None, ge=1, description="only events at least as important: priority 1 comes first, so 2 means 1 and 2"
    )
    start: Annotated[int, Field(ge=1)] | Literal["now", "first"] = Field(
        default="now",
        alias="from",
        description="sequence number of the first event wanted, now (only what is still to come), or first (all kept)",
    )
    run: Name | None = Field(
        default=None, description="the run that `from` counts in; an error says so if another one is served"
    )
    window: int | None = Field(
        default=None,
        ge=1,
        le=MAX_WINDOW,
        description="the most events sent beyond the last acknowledged one; null = no limit",
    )
    alerts: bool = Field(default=False, description="also send alerts of the running system")


class Unsubscribe(ClientRequest):
    """Ask for no more events."""

    type: Literal["unsubscribe"]


class Ack(ClientRequest):
    """Tell that everything up to a sequence number, included, has been dealt with. Needed only with a window."""

    type: Literal["ack"]
    sequence: int = Field(ge=0, description="the last sequence number dealt with")


ClientMessage = Annotated[Subscribe | Unsubscribe | Ack, Field(discriminator="type")]


class Message(BaseModel):
    """What the server sends."""

    # What has a default is sent all the same.
    model_config = ConfigDict(frozen=True, populate_by_name=True, json_schema_serialization_defaults_required=True)
    type: str

    def text(self) -> str:
        """Return the message as JSON."""
        return self.model_dump_json(by_alias=True)


class ColumnModel(BaseModel):
    """One column of an event."""

    name: str
    type: str = Field(description="Arrow's name: string, int8, int32, int64, uint64, double")
    nullable: bool


class Features(BaseModel):
    """What this server offers beyond events."""

    control: bool = Field(description="POST /api/control steers the run")
    prices: bool = Field(description="GET /api/prices gives a ticker's line")


class Epoch(BaseModel):
    """Which telling of a run this is: a replay that goes to another time tells its events again."""

    run: str = Field(description="the run without its epochs: sequence numbers mean the same events in all of them")
    number: int = Field(description="1 = the first telling")
    first_sequence: int = Field(description="the first event told in this one; those before it are its past")


class Hello(Message):
    """The first message of every connection."""

    type: Literal["hello"] = "hello"
    protocol: int = PROTOCOL_VERSION
    server: str = Field(description="name and version of the program")
    run: str = Field(description="identity of the run and its epoch: another one means to begin afresh")
    epoch: Epoch
    about: dict[str, Any] = Field(description="what is known of the run")
    columns: list[ColumnModel] = Field(
        description="columns of an event, beside sequence; event_id is a string, since doubles cannot hold it"
    )
    first_sequence: int = Field(description="the oldest event still kept")
    last_sequence: int = Field(description="the newest event; first_sequence - 1 if there is none yet")
    finished: bool = Field(description="whether no more events will follow")
    kinds: list[str] = Field(description="kinds of events that this run can tell; empty = not known")
    universes: list[str] = Field(description="universes that a subscription can name")
    heartbeat_seconds: float
    max_message_bytes: int = MAX_MESSAGE_BYTES
    features: Features


class Subscribed(Message):
    """The answer to subscribe and unsubscribe."""

    type: Literal["subscribed"] = "subscribed"
    next: int | None = Field(description="the sequence number events go on from; null without a subscription")


class Events(Message):
    """All events that match from the last ``next`` to this one. Written by hand in ``session``, for speed."""

    type: Literal["events"] = "events"
    next: int = Field(description="ask for this one on return: all before it were sent or did not match")
    events: list[dict[str, Any]] = Field(
        description="each with its sequence and the columns of hello; highest priority first, then by sequence"
    )


class HeartbeatMarket(BaseModel):
    """Where the market stands."""

    time: int | None = Field(description="recorded time in ns, UTC")
    phase: str | None = Field(description="pre, regular, post or closed")


class HeartbeatHealth(BaseModel):
    """How the running system is."""

    ok: bool
    reasons: list[str]


class Lag(BaseModel):
    """How far behind this client is, in events."""

    unsent: int | None = Field(description="events this subscription has still to look at; null without one")
    unacknowledged: int | None = Field(description="events sent and not acknowledged; null without a window")


class Heartbeat(Message):
    """Sent every ``heartbeat_seconds``, events or not."""

    type: Literal["heartbeat"] = "heartbeat"
    next: int | None = Field(description="as in events: ask for this one on return")
    last_sequence: int
    market: HeartbeatMarket
    health: HeartbeatHealth
    lag: Lag


class AlertMessage(Message):
    """An alert of the running system was raised or resolved."""

    type: Literal["alert"] = "alert"
    number: int = Field(description="1, 2, 3 … within this server")
    alert: dict[str, Any]


class End(Message):
    """The run is over and everything the subscription asked for was sent. The connection stays open."""

    type: Literal["end"] = "end"
    next: int


class Error(Message):
    """What a client sent was not understood, or cannot be done. The connection stays open."""

    # Beside these, keys that say nothing are left out.
    model_config = ConfigDict(json_schema_extra={"required": ["type", "code", "message"]})
    type: Literal["error"] = "error"
    code: ErrorCode
    message: str = Field(description="one line: what is wrong and what to do")
    field: str | None = Field(default=None, description="the key of the client's message that is wrong")
    first_sequence: int | None = Field(default=None, description="with expired: the oldest event still kept")
    next_sequence: int | None = Field(default=None, description="with ahead: what the next event will get")

    def text(self) -> str:
        """Return the message as JSON, without the keys that say nothing."""
        return self.model_dump_json(exclude_none=True)


ServerMessage = Annotated[
    Hello | Subscribed | Events | Heartbeat | AlertMessage | End | Error, Field(discriminator="type")
]

_MODELS: Mapping[str, type[ClientRequest]] = {"subscribe": Subscribe, "unsubscribe": Unsubscribe, "ack": Ack}
_CLIENT: TypeAdapter[Subscribe | Unsubscribe | Ack] = TypeAdapter(ClientMessage)
_SERVER: TypeAdapter[Any] = TypeAdapter(ServerMessage)


class MessageError(ValueError):
    """A client's message was not understood; ``error`` is the answer."""

    def __init__(self, code: Literal["malformed", "invalid"], message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.error = Error(code=code, message=message, field=field)


def read_message(text: str) -> Subscribe | Unsubscribe | Ack:
    """Read what a client sent.

    Raises
    ------
    MessageError
        It is no JSON object of ours; the error names the field.
    """
    try:
        return _CLIENT.validate_json(text)
    except ValidationError as error:
        raise _message_error(error) from error
    except (RecursionError, ValueError) as error:
        raise MessageError("malformed", "the message cannot be read as JSON") from error


def _message_error(error: ValidationError) -> MessageError:
    first = error.errors(include_url=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        return MessageError("malformed", 'the message is no JSON: send one object such as {"type": "subscribe"}')
    if not first["loc"]:
        return MessageError("invalid", f"type must be one of {', '.join(_MODELS)}", "type")
    # The first part of the place is the message's type, which chose the model.
    model = _MODELS[str(first["loc"][0])]
    key = str(first["loc"][1])
    known = {field.alias or name: field.description for name, field in model.model_fields.items()}
    if first["type"] == "extra_forbidden":
        return MessageError("invalid", f"{key} is no key of this message; there are {', '.join(known)}", key)
    if first["type"] == "missing":
        return MessageError("invalid", f"{key} is missing: it is {known[key]}", key)
    place = "".join(f"[{part}]" for part in first["loc"][2:] if isinstance(part, int))
    value = json.dumps(first["input"])
    shown = value if len(value) <= MAX_SHOWN else f"{value[:MAX_SHOWN]}…"
    reason = f"{first['msg'][:1].lower()}{first['msg'][1:]}"
    return MessageError("invalid", f"{key}{place} is {shown}: {reason}; {key} means: {known[key]}", key)


def client_schema() -> dict[str, Any]:
    """Return the JSON schema of what a client may send."""
    return {"title": "What a client sends", **_CLIENT.json_schema(by_alias=True)}


def server_schema() -> dict[str, Any]:
    """Return the JSON schema of what the server sends."""
    return {"title": "What the server sends", **_SERVER.json_schema(by_alias=True, mode="serialization")}
