"""Faults that the played vendor makes on purpose, as a file says: which, on which connections, and when."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tickstock_cli.config.validation_errors import reason
from tickstock_cli.errors import SettingsError

Connection = Annotated[int, Field(ge=1)]
Rows = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0)]
Length = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class VendorFault(_Table):
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

    kind: str
    connection: Connection | tuple[Connection, ...] | None = None
    times: Count | None = None
    share: Annotated[float, Field(gt=0, le=1)] = 1.0

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
    """A fault that happens after some time or rows; without either with the first subscription.

    Parameters
    ----------
    after_seconds
        Time since the connection was made; [low, high] is drawn with the seed, for each connection.
    after_rows
        Events that the connection was sent, likewise.
    """

    after_seconds: Seconds | tuple[Seconds, Seconds] | None = None
    after_rows: Rows | tuple[Rows, Rows] | None = None

    @model_validator(mode="after")
    def _one_moment(self) -> TimedFault:
        if self.after_seconds is not None and self.after_rows is not None:
            raise ValueError("after_seconds and after_rows exclude each other; choose one")
        for name in ("after_seconds", "after_rows"):
            bounds = getattr(self, name)
            if isinstance(bounds, tuple) and bounds[0] > bounds[1]:
                raise ValueError(f"{name} must ascend, as in [1, 5], was {list(bounds)}")
        return self


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

    kind: Literal["silence"]
    pongs: bool = True
    seconds: Length | None = None


class SlowConsumer(TimedFault):
    """Data is held back for ``seconds``, comes late, and then the client is told that it is slow and cut off."""

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
    """Trades are prints of a trade reporting facility that took place ``seconds`` before they were printed."""

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


class Tls(_Table):
    """TLS: with a certificate of the user's, or with one that signs itself.

    Parameters
    ----------
    certificate, key
        PEM files.
    name
        Host that a certificate is made for, with the command ``openssl``; another host's is the fault.
    """

    certificate: Path | None = None
    key: Path | None = None
    name: str | None = None

    @model_validator(mode="after")
    def _one_certificate(self) -> Tls:
        given = (self.certificate is not None, self.key is not None, self.name is not None)
        if given not in ((True, True, False), (False, False, True)):
            raise ValueError("give either certificate and key, or name")
        return self


class FaultPlan(_Table):
    """What a file of faults says. Without faults, the vendor is played as it behaves on a good day.

    Parameters
    ----------
    seed
        Seed of everything drawn.
    acks
        Whether the acknowledgements of a command come in one frame, or each in its own.
    """

    seed: int = 0
    acks: Literal["together", "each"] = "together"
    tls: Tls | None = None
    fault: tuple[Annotated[AnyFault, Field(discriminator="kind")], ...] = ()

    @property
    def most_repeated(self) -> int:
        """The most events that a fault repeats."""
        return max((fault.rows for fault in self.fault if isinstance(fault, Duplicates)), default=0)


def load_faults(path: Path) -> FaultPlan:
    """Read a file of faults (TOML).

    Raises
    ------
    SettingsError
        The file cannot be read, or says something that is no fault; the message names the place.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise SettingsError(f"cannot read the faults of {path}: {why}; name a file of faults") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read the faults of {path}: it is not TOML ({error})") from error
    try:
        return FaultPlan.model_validate(values)
    except ValidationError as error:
        raise SettingsError(f"{path}: {_complaint(values, error)}") from error


def _complaint(values: dict[str, Any], error: ValidationError) -> str:
    """Return the first validation error, with its place as a reader counts it."""
    first = error.errors()[0]
    loc = first["loc"]
    if loc[:1] != ("fault",) or len(loc) < 2 or not isinstance(loc[1], int):
        return f"{'.'.join(map(str, loc)) or 'the file'}: {_why(first)}"
    table = values["fault"][loc[1]]
    kind = table.get("kind") if isinstance(table, dict) else None
    place = f"fault {loc[1] + 1}" + (f" ({kind})" if kind is not None else "")
    key = ".".join(str(part) for part in loc[3:] if not str(part).startswith(("tuple", "function", "constrained")))
    return f"{place}: {f'{key}: ' if key else ''}{_why(first)}"


def _why(error: Any) -> str:
    match error["type"]:
        case "extra_forbidden":
            return "there is no such key; see docs/polygon.md"
        case "missing":
            return "must be given"
        case "union_tag_invalid":
            return f"there is no fault of this kind; the kinds are {error['ctx']['expected_tags'].replace(chr(39), '')}"
        case "union_tag_not_found":
            return 'must have a kind, as in kind = "abort"'
    return reason(error)
