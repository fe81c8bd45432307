"""The messages of the WebSocket: pydantic models, the source of the JSON schemas in ``docs/schemas``.

Every message is one JSON object with a ``type``. A client ignores keys that it does not know, so newer servers can add
some. The server rejects unknown keys, so that a misspelt filter is an error.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from tickstock_cli.core.declarations import DetectorDocument
from tickstock_cli.core.kinds import Kind
from tickstock_cli.serving.bounded import MAX_MESSAGE, shortened

PROTOCOL_VERSION = 1

MAX_MESSAGE_BYTES = 262_144
"""Longest message of a client: a subscription to 10,000 tickers fits in."""

MAX_TICKERS = 10_000
MAX_NAMES = 64
MAX_WINDOW = 100_000
MAX_SEQUENCE = 2**63 - 1

Name = Annotated[str, Field(min_length=1, max_length=64)]
SourceName = Literal["tick", "websocket", "ohlcv", "fmv", "channel"]

ErrorCode = Literal["malformed", "invalid", "expired", "ahead", "other_run", "unreadable"]


class ClientRequest(BaseModel):
    """A message of a client."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Subscribe(ClientRequest):
    """Subscribe to events. A later subscription replaces an earlier one; a key that is left out does not filter."""

    type: Literal["subscribe"]
    kinds: Annotated[list[Name], Field(max_length=MAX_NAMES)] | None = Field(
        default=None, description="only these kinds, of those that hello names"
    )
    tickers: Annotated[list[Name], Field(max_length=MAX_TICKERS)] | None = Field(
        default=None, description="only these tickers"
    )
    universe: Name | None = Field(
        default=None,
        description="only tickers of this universe, one of those in hello; with tickers: only tickers in both",
    )
    user_universe: Annotated[list[Name], Field(max_length=MAX_TICKERS)] | Name | None = Field(
        default=None,
        description="your own universe, by name or as tickers. It filters nothing: within one message its events come "
        "first among those inside and among those outside the core universe",
    )
    sources: Annotated[list[SourceName], Field(max_length=MAX_NAMES)] | None = Field(
        default=None, description="only events of these sources"
    )
    min_priority: int | None = Field(
        default=None,
        ge=1,
        description="only events of this priority or a higher one; 1 is the highest, so 2 means 1 and 2",
    )
    start: Annotated[int, Field(ge=1, le=MAX_SEQUENCE)] | Literal["now", "first"] = Field(
        default="now",
        alias="from",
        description="sequence number of the first event, now (only later events), or first (all kept events)",
    )
    run: Name | None = Field(
        default=None, description="the run that `from` belongs to; the answer is an error if the server has another run"
    )
    window: int | None = Field(
        default=None,
        ge=1,
        le=MAX_WINDOW,
        description="the most events sent beyond the last acknowledged one; null = no limit",
    )
    alerts: bool = Field(default=False, description="also send alerts of the running system")
    notices: bool = Field(
        default=False, description="also send notices of a live feed: its gaps, and minutes that are complete"
    )


class Unsubscribe(ClientRequest):
    """End the subscription."""

    type: Literal["unsubscribe"]


class Ack(ClientRequest):
    """Acknowledge all events up to a sequence number, inclusive. Needed only with a window."""

    type: Literal["ack"]
    sequence: int = Field(ge=0, le=MAX_SEQUENCE, description="the last acknowledged sequence number")


ClientMessage = Annotated[Subscribe | Unsubscribe | Ack, Field(discriminator="type")]


class Message(BaseModel):
    """A message of the server."""

    # Keys with a default are always sent, so the schema requires them.
    model_config = ConfigDict(frozen=True, populate_by_name=True, json_schema_serialization_defaults_required=True)
    type: str

    def to_json(self) -> str:
        """Return the message as JSON."""
        return self.model_dump_json(by_alias=True)


class ColumnModel(BaseModel):
    """One column of an event."""

    name: str
    type: str = Field(description="Arrow's name: string, int8, int32, int64, uint64, double")
    nullable: bool


class MarkModel(BaseModel):
    """How a chart marks an event."""

    shape: Literal["up", "down", "diamond", "square", "circle"]
    light: str = Field(description="CSS colour on a light background")
    dark: str = Field(description="CSS colour on a dark background")
    at: str = Field(description="column of the price at which it stands")


class KindModel(BaseModel):
    """What a client needs to show events of a kind."""

    name: str
    description: str
    mark: MarkModel
    details: list[str] = Field(description="phrases, with columns in braces; one whose column is null is left out")
    more: list[str] = Field(description="further phrases, where there is room")
    words: dict[str, str] = Field(description="values of the column trigger, and how a person reads each")

    @classmethod
    def of(cls, kind: Kind) -> Self:
        """Return the model of a declaration."""
        return cls(
            name=kind.name,
            description=kind.description,
            mark=MarkModel(**asdict(kind.mark)),
            details=list(kind.phrases),
            more=list(kind.more),
            words=dict(kind.words),
        )


class Features(BaseModel):
    """Features of this server beyond events."""

    control: bool = Field(description="POST /api/control steers the run")
    prices: bool = Field(description="GET /api/prices returns the recent prices of a ticker")
    notices: bool = Field(description="subscribe has the key notices")


class Epoch(BaseModel):
    """The epoch of a run: a seek of a replay begins another one and emits events again."""

    run: str = Field(description="the run without its epochs: a sequence number denotes the same event in all of them")
    number: int = Field(description="1 = the first epoch")
    first_sequence: int = Field(description="the first event of this epoch; those before it belong to earlier epochs")


class Hello(Message):
    """The first message of every connection."""

    type: Literal["hello"] = "hello"
    protocol: int = PROTOCOL_VERSION
    server: str = Field(description="name and version of the program")
    run: str = Field(description="identity of run and epoch: if it changes, the client starts again")
    epoch: Epoch
    about: dict[str, Any] = Field(description="information about the run")
    columns: list[ColumnModel] = Field(
        description="columns of an event, beside sequence; event_id is a string, since doubles cannot hold it"
    )
    first_sequence: int = Field(description="the oldest event still kept")
    last_sequence: int = Field(description="the newest event; first_sequence - 1 if there is none yet")
    finished: bool = Field(description="whether no more events will follow")
    kinds: list[str] = Field(description="kinds of events that this run can emit; empty = unknown")
    units: dict[str, str] = Field(description="units of columns: $, %, x (a multiple) or a word")
    declared_kinds: list[KindModel] = Field(description="how to show events of these kinds")
    detectors: list[DetectorDocument] = Field(
        default_factory=list, description="declarations of the run's detectors, for files of its events; as in log.json"
    )
    universes: list[str] = Field(description="universes for subscriptions")
    heartbeat_seconds: float
    max_message_bytes: int = MAX_MESSAGE_BYTES
    features: Features


class Subscribed(Message):
    """The answer to subscribe and unsubscribe."""

    type: Literal["subscribed"] = "subscribed"
    next: int | None = Field(description="the sequence number events go on from; null without a subscription")


class Events(Message):
    """All matching events from the last ``next`` to this one. ``session`` writes it as text, for speed."""

    type: Literal["events"] = "events"
    next: int = Field(
        description="subscribe from this number after a break: all events before it were sent or did not match"
    )
    events: list[dict[str, Any]] = Field(
        description="each with its sequence and the columns of hello; highest priority first, then by sequence"
    )


class HeartbeatMarket(BaseModel):
    """Time and phase of the market."""

    time: int | None = Field(description="recorded time in ns, UTC")
    phase: str | None = Field(description="pre, regular, post, closed or overnight")


class HeartbeatHealth(BaseModel):
    """Health of the running system."""

    ok: bool
    reasons: list[str]


class Lag(BaseModel):
    """Lag of this client, in events."""

    unsent: int | None = Field(
        description="events between the client and the end of the log; null without a subscription"
    )
    unacknowledged: int | None = Field(description="events sent and not acknowledged; null without a window")


class Heartbeat(Message):
    """Sent every ``heartbeat_seconds``, events or not."""

    type: Literal["heartbeat"] = "heartbeat"
    next: int | None = Field(description="as in events: subscribe from this number after a break")
    last_sequence: int
    market: HeartbeatMarket
    health: HeartbeatHealth
    lag: Lag


class AlertMessage(Message):
    """An alert of the running system was raised or resolved."""

    type: Literal["alert"] = "alert"
    number: int = Field(description="1, 2, 3 … within this server")
    alert: dict[str, Any]


class GapNotice(Message):
    """The feed was interrupted: rows of this time were not received. Sent at its begin, and again at its end."""

    type: Literal["notice"] = "notice"
    kind: Literal["gap"] = "gap"
    number: int = Field(description="1, 2, 3 … within this server, for all kinds of notices")
    text: str = Field(description="the notice in one line, for people")
    begin: int = Field(description="when the last row before it came, ns, UTC; the start of the feed if there was none")
    end: int | None = Field(description="when the first row after it came, ns, UTC; null while it lasts")
    channels: list[str] = Field(description="interrupted channels, as the vendor names them")
    reason: str = Field(description="what ended the connection")


class MinuteNotice(Message):
    """The rows of a minute have come. Later corrections of its bars, which vendors send, are not announced."""

    type: Literal["notice"] = "notice"
    kind: Literal["minute"] = "minute"
    number: int = Field(description="1, 2, 3 … within this server, for all kinds of notices")
    text: str = Field(description="the notice in one line, for people")
    minute: int = Field(description="start of the minute in ns, UTC")
    symbols: int = Field(
        description="tickers with a bar of this minute; without minute bars, tickers that traded in it"
    )
    lag_ms: float = Field(description="from the end of the minute until its last row came; 0 if that came before")


NOTICES: Mapping[str, type[GapNotice | MinuteNotice]] = {"gap": GapNotice, "minute": MinuteNotice}
"""Forms of notices by their kind."""


class End(Message):
    """The run has ended and all events of the subscription were sent. The connection stays open."""

    type: Literal["end"] = "end"
    next: int
    broken_off: bool = Field(default=False, description="the run did not come to its end: its process died, say")
    time: int | None = Field(default=None, description="recorded time of the last event in ns, UTC; null if unknown")


class Error(Message):
    """A message of the client is invalid, or cannot be fulfilled. The connection stays open."""

    # Other keys are left out if they are null.
    model_config = ConfigDict(json_schema_extra={"required": ["type", "code", "message"]})
    type: Literal["error"] = "error"
    code: ErrorCode
    message: str = Field(description="one line: what is wrong and what to do")
    field: str | None = Field(default=None, description="the wrong key of the client's message")
    first_sequence: int | None = Field(
        default=None,
        description="with expired: the oldest event still kept; with unreadable: the first event that cannot be read",
    )
    next_sequence: int | None = Field(
        default=None,
        description="with ahead: the number of the next event; with unreadable: the first event behind the damage",
    )

    @field_validator("message", mode="before")
    @classmethod
    def _bounded_message(cls, message: str) -> str:
        return shortened(message, MAX_MESSAGE)

    @field_validator("field", mode="before")
    @classmethod
    def _bounded_field(cls, field: str | None) -> str | None:
        return None if field is None else shortened(field)

    def to_json(self) -> str:
        """Return the message as JSON, without null keys."""
        return self.model_dump_json(exclude_none=True)


Notice = Annotated[GapNotice | MinuteNotice, Field(discriminator="kind")]

ServerMessage = Annotated[
    Hello | Subscribed | Events | Heartbeat | AlertMessage | Notice | End | Error, Field(discriminator="type")
]

_MODELS: Mapping[str, type[ClientRequest]] = {"subscribe": Subscribe, "unsubscribe": Unsubscribe, "ack": Ack}
_CLIENT: TypeAdapter[Subscribe | Unsubscribe | Ack] = TypeAdapter(ClientMessage)
_SERVER: TypeAdapter[Any] = TypeAdapter(ServerMessage)


class MessageError(ValueError):
    """A message of a client is invalid; ``error`` is the answer."""

    def __init__(self, code: Literal["malformed", "invalid"], message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.error = Error(code=code, message=message, field=field)


def read_message(text: str) -> Subscribe | Unsubscribe | Ack:
    """Read a message of a client.

    Raises
    ------
    MessageError
        The text is not one of the messages; the error names the field.
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
        return MessageError("malformed", 'the message is not JSON: send one object such as {"type": "subscribe"}')
    if not first["loc"]:
        return MessageError("invalid", f"type must be one of {', '.join(_MODELS)}", "type")
    # The first part of the location is the message's type, which selected the model.
    model = _MODELS[str(first["loc"][0])]
    key = str(first["loc"][1])
    known = {field.alias or name: field.description for name, field in model.model_fields.items()}
    if first["type"] == "extra_forbidden":
        message = f"{shortened(key)} is not a key of this message; its keys are {', '.join(known)}"
        return MessageError("invalid", message, key)
    if first["type"] == "missing":
        return MessageError("invalid", f"{key} is missing: it is {known[key]}", key)
    place = "".join(f"[{part}]" for part in first["loc"][2:] if isinstance(part, int))
    shown = _shown(first["input"])
    reason = f"{first['msg'][:1].lower()}{first['msg'][1:]}"
    return MessageError("invalid", f"{key}{place} is {shown}: {reason}; {key} means: {known[key]}", key)


def _shown(value: Any) -> str:
    try:
        return shortened(json.dumps(value))
    except ValueError:  # Python writes no integer of more than 4,300 digits
        return "a number of too many digits"


def client_schema() -> dict[str, Any]:
    """Return the JSON schema of the messages of a client."""
    return {"title": "What a client sends", **_CLIENT.json_schema(by_alias=True)}


def server_schema() -> dict[str, Any]:
    """Return the JSON schema of the messages of the server."""
    return {"title": "What the server sends", **_SERVER.json_schema(by_alias=True, mode="serialization")}
