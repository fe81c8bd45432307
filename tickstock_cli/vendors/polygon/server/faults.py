"""Faults that the played vendor makes on purpose: of which kind, on which connections, and when."""

from __future__ import annotations

from datetime import datetime, time, tzinfo
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from tickstock_cli.core.time_input import parse_time_input
from tickstock_cli.core.times import format_time
from tickstock_cli.errors import UsageError

Connection = Annotated[int, Field(ge=1)]
Rows = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0)]
Length = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


def _as_text(value: Any) -> Any:
    """Return a time of TOML as text."""
    return value.isoformat() if isinstance(value, time | datetime) else value


def _is_time(text: str) -> str:
    try:
        parse_time_input(text)
    except UsageError as error:
        raise ValueError('must be a time of the recording, as in "10:15" or "2026-03-02T10:15:00-05:00"') from error
    return text


MarketTime = Annotated[str, BeforeValidator(_as_text), AfterValidator(_is_time)]


class FaultTable(BaseModel):
    """A table of a file of faults."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class VendorFault(FaultTable):
    """One fault. It happens at a fixed step of the connection, which its kind says.

    Parameters
    ----------
    connection
        The connections, by number from 1 in the order of connecting; None is every one.
    times
        How often it happens at most, over all connections.
    share
        The share of these connections that it happens to, drawn with the seed.
    """

    timed: ClassVar[tuple[str, ...]] = ()
    """Names of the keys that are seconds of the file's clock."""

    kind: str
    connection: Connection | tuple[Connection, ...] | None = None
    times: Count | None = None
    share: Annotated[float, Field(gt=0, le=1)] = 1.0

    def faster(self, speed: float) -> Self:
        """Return the fault with its seconds divided by ``speed``."""
        given = {name: value for name in self.timed if (value := getattr(self, name)) is not None}
        return self.model_copy(update={name: _divided(value, speed) for name, value in given.items()})

    def concerns(self, connection: int) -> bool:
        """Return whether the fault is one of a connection's, before its share is drawn."""
        match self.connection:
            case None:
                return True
            case int():
                return self.connection == connection
            case numbers:
                return connection in numbers


class TimedFault(VendorFault):
    """A fault that happens after some time or rows, or at a time; without any with the first subscription.

    Parameters
    ----------
    after_seconds
        Time since the connection was made; [low, high] is drawn with the seed, for each connection.
    after_rows
        Events that the connection was sent, likewise.
    at
        Time of the recording: a full one, or one of the day of its market; likewise.
    """

    timed: ClassVar[tuple[str, ...]] = ("after_seconds",)

    after_seconds: Seconds | tuple[Seconds, Seconds] | None = None
    after_rows: Rows | tuple[Rows, Rows] | None = None
    at: MarketTime | tuple[MarketTime, MarketTime] | None = None

    @model_validator(mode="after")
    def _one_moment(self) -> Self:
        given = [name for name in ("after_seconds", "after_rows", "at") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} exclude each other; choose one")
        for name in ("after_seconds", "after_rows"):
            bounds = getattr(self, name)
            if isinstance(bounds, tuple) and bounds[0] > bounds[1]:
                raise ValueError(f"{name} must ascend, as in [1, 5], was {list(bounds)}")
        return self

    def dated(self, span: tuple[int, int] | None, zone: tzinfo) -> Self:
        """Return the fault with full times; `TimeInput.resolved` has the parameters and the errors."""
        if self.at is None:
            return self
        texts = (self.at,) if isinstance(self.at, str) else self.at
        full = [format_time(parse_time_input(text).resolved(span, zone)) for text in texts]
        if full != sorted(full):
            raise UsageError(f"at must ascend, was {list(texts)}")
        return self.model_copy(update={"at": full[0] if isinstance(self.at, str) else tuple(full)})


class AlteringFault(TimedFault):
    """A fault of some of the events that follow; ``rows`` says of how many, and None of all."""

    rows: Count | None = 1


class HttpStatus(VendorFault):
    """The upgrade is refused with an HTTP status."""

    kind: Literal["http_status"]
    status: Literal[400, 401, 403, 404, 429, 500, 502, 503, 504] = 503


class BadKey(VendorFault):
    """The key is refused, whatever it is, and the connection dropped without a closing frame."""

    kind: Literal["bad_key"]
    because: Literal["key", "plan"] = "key"


class AbortBeforeAuthReply(VendorFault):
    """The connection is dropped between the key and its answer."""

    kind: Literal["abort_before_auth_reply"]


class NoAuthReply(VendorFault):
    """The key is never answered."""

    kind: Literal["no_auth_reply"]


class AuthTimeout(VendorFault):
    """The key is answered with ``auth_timeout``, and the connection dropped ``seconds`` later."""

    timed: ClassVar[tuple[str, ...]] = ("seconds",)

    kind: Literal["auth_timeout"]
    seconds: Length = 1.0


class NotAuthorized(VendorFault):
    """Items that match a pattern are refused with an error that does not name them.

    Parameters
    ----------
    items
        Patterns: ``Q.*`` is every item of quotes, also ``Q.*`` itself.
    """

    kind: Literal["not_authorized"]
    items: Annotated[tuple[str, ...], Field(min_length=1)]


class NoRealTime(VendorFault):
    """The key is accepted, and every subscription refused: the plan has no real-time data."""

    kind: Literal["no_real_time"]


class MaxConnections(VendorFault):
    """A connection is one too many: told some time after it was accepted, then closed with 1008, or dropped.

    Parameters
    ----------
    limit
        Accepted connections that are not too many; None makes any one too many.
    whom
        Whether the oldest connection ends, or the new one.
    seconds
        Time since the key was accepted.
    """

    timed: ClassVar[tuple[str, ...]] = ("seconds",)

    kind: Literal["max_connections"]
    limit: Count | None = None
    whom: Literal["old", "new"] = "new"
    end: Literal["close", "abort"] = "close"
    seconds: Seconds = 1.0


class Close(TimedFault):
    """The server closes the connection."""

    kind: Literal["close"]
    code: Literal[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013] = 1001
    because: str = ""


class Abort(TimedFault):
    """The connection is dropped without a closing frame, which clients see as 1006."""

    kind: Literal["abort"]


class Silence(TimedFault):
    """The connection stays open and says nothing more; rows pass by.

    Parameters
    ----------
    pongs
        Whether pings are answered.
    seconds
        How long; None is for ever.
    """

    timed: ClassVar[tuple[str, ...]] = ("after_seconds", "seconds")

    kind: Literal["silence"]
    pongs: bool = True
    seconds: Length | None = None


class SlowConsumer(TimedFault):
    """Data is held back for ``seconds``, comes late, and then the client is told that it is slow and cut off."""

    timed: ClassVar[tuple[str, ...]] = ("after_seconds", "seconds")

    kind: Literal["slow_consumer"]
    seconds: Seconds = 1.0


class TruncatedFrame(TimedFault):
    """A frame of JSON that breaks off, beside the frames of rows."""

    kind: Literal["truncated_frame"]


class NotAnArray(TimedFault):
    """A frame with a JSON object that stands in no array, beside the frames of rows."""

    kind: Literal["not_an_array"]


class BigFrame(TimedFault):
    """Events are gathered until a frame of ``bytes`` is full, at most for ``seconds``."""

    timed: ClassVar[tuple[str, ...]] = ("after_seconds", "seconds")

    kind: Literal["big_frame"]
    bytes: Annotated[int, Field(ge=1, le=64 << 20)] = 900_000
    seconds: Length = 5.0


class UnknownEvent(AlteringFault):
    """An event of a type that no client knows stands before each of ``rows`` events, in their frame."""

    kind: Literal["unknown_event"]


class UnknownKeys(AlteringFault):
    """Events have keys that no client knows."""

    kind: Literal["unknown_keys"]


class FloatFields(AlteringFault):
    """Whole numbers are written as floats."""

    kind: Literal["float_fields"]


class MissingFields(AlteringFault):
    """Events lack fields."""

    kind: Literal["missing_fields"]
    fields: Annotated[tuple[str, ...], Field(min_length=1)]


class TimeUnit(AlteringFault):
    """Times are in another unit than milliseconds."""

    kind: Literal["time_unit"]
    unit: Literal["s", "us", "ns"] = "ns"


class LatePrint(AlteringFault):
    """Trades are prints of a trade reporting facility that took place ``seconds`` before they were printed.

    These are seconds of the rows, whatever the file's clock is.
    """

    kind: Literal["late_print"]
    seconds: Length = 600.0


class Duplicates(TimedFault):
    """The last ``rows`` events that the connection before was sent are sent again, if this one wants them."""

    kind: Literal["duplicates"]
    rows: Annotated[int, Field(ge=1, le=10_000)] = 10


class ResentBar(AlteringFault):
    """Bars are sent again, with more volume, after ``rows_later`` other events."""

    kind: Literal["resent_bar"]
    rows_later: Annotated[int, Field(ge=1)] = 20


AnyFault = (
    HttpStatus
    | BadKey
    | AbortBeforeAuthReply
    | NoAuthReply
    | AuthTimeout
    | NotAuthorized
    | NoRealTime
    | MaxConnections
    | Close
    | Abort
    | Silence
    | SlowConsumer
    | TruncatedFrame
    | NotAnArray
    | BigFrame
    | UnknownEvent
    | UnknownKeys
    | FloatFields
    | MissingFields
    | TimeUnit
    | LatePrint
    | Duplicates
    | ResentBar
)


def _divided(value: Any, speed: float) -> Any:
    return tuple(each / speed for each in value) if isinstance(value, tuple) else value / speed
