"""Settings of the feed, the section ``polygon``, and what follows from them: addresses and the key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field

from tickstock_cli.core.host_names import is_host_name
from tickstock_cli.errors import UsageError
from tickstock_cli.sources.params import SourceParams

Channel = Literal["T", "A", "AM", "FMV"]
FeedName = Literal["realtime", "delayed", "business"]

HOSTS: Mapping[FeedName, str] = {
    "realtime": "socket.massive.com",
    "delayed": "delayed.massive.com",
    "business": "business.massive.com",
}
"""Hosts of the vendor, by feed. The names under polygon.io answer, too."""
MARKET_PATH = "/stocks"
KEY_VARIABLES = ("POLYGON_API_KEY", "MASSIVE_API_KEY")
"""Environment variables with the key; the first that is set counts."""
_HIDDEN = "***"
_LEAST_LENGTH = 6
"""A shorter text is no key of the vendor's: hiding it would only cut words."""


class PolygonParams(SourceParams):
    """The feed of Polygon, now Massive. The key is never a setting: it comes from POLYGON_API_KEY."""

    url: str = Field(
        default="",
        description="address of the feed, ws:// or wss://; an empty one is the vendor's host of polygon.feed",
    )
    feed: FeedName = Field(
        default="realtime",
        description="feed of the plan: delayed is 15 minutes behind, business has fair market values",
    )
    channels: tuple[Channel, ...] = Field(
        default=("T", "AM"),
        min_length=1,
        description="channels: T trades, A second bars or AM minute bars (not both), FMV fair market values",
    )
    compression: bool = Field(default=False, description="ask for compressed frames; they cost a third of the speed")
    proxy: bool = Field(default=False, description="connect through the proxy that the environment names")
    max_size_mib: int = Field(default=16, ge=1, le=1024, description="limit of the size of a frame, in MiB")
    buffer_mib: int = Field(
        default=256,
        ge=1,
        le=65_536,
        description="limit of the frames that wait to be decoded, in MiB; then reading waits",
    )
    queue_rows: int = Field(
        default=262_144, ge=1, le=100_000_000, description="rows that may wait in memory; more wait on disk"
    )
    open_seconds: float = Field(default=10, gt=0, description="limit of the time to open a connection, in seconds")
    auth_seconds: float = Field(
        default=10, gt=0, description="limit of the time until the key is accepted or refused, in seconds"
    )
    subscribe_seconds: float = Field(
        default=10,
        gt=0,
        description="time after which subscriptions that are not acknowledged are asked for again, once, in seconds",
    )
    cooling_seconds: float = Field(
        default=120, ge=0, description="wait after the vendor has reported too many connections, in seconds"
    )
    cooling_times: int = Field(default=5, ge=0, description="such waits in a row, after which the run ends")
    seed: int = Field(
        default=0, ge=0, description="seed of the waits before a connection is made again; 0 = another one in each run"
    )


class Key:
    """The key to a feed. Its text appears in no log, error or representation.

    Examples
    --------
    >>> key = Key("secret")
    >>> key, key.masked("your key secret is wrong")
    (Key(***), 'your key *** is wrong')
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return f"Key({_HIDDEN})"

    def reveal(self) -> str:
        """Return the key, to be sent to the vendor and for nothing else."""
        return self._text

    def masked(self, text: str) -> str:
        """Return ``text`` without the key."""
        return text if len(self._text) < _LEAST_LENGTH else text.replace(self._text, _HIDDEN)


def key_from(environment: Mapping[str, str]) -> Key:
    """Return the key of the environment.

    Raises
    ------
    UsageError
        None is set.
    """
    for name in KEY_VARIABLES:
        if text := environment.get(name, "").strip():
            return Key(text)
    raise UsageError(
        f"no key for the feed: set {' or '.join(KEY_VARIABLES)}; "
        "without an account, tickstock replay PATH --as-polygon HOST:PORT serves a feed that takes any key"
    )


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One connection's address, and the channels that are asked for there."""

    url: str
    channels: tuple[str, ...]


def endpoints(params: PolygonParams) -> tuple[Endpoint, ...]:
    """Return where to connect: fair market values have a host of their own, unless an address is given.

    Raises
    ------
    UsageError
        The address is none of a WebSocket.
    """
    channels: tuple[str, ...] = tuple(dict.fromkeys(params.channels))
    if params.url:
        return (Endpoint(checked_url(params.url), channels),)
    split: dict[FeedName, Sequence[str]] = {params.feed: [channel for channel in channels if channel != "FMV"]}
    split["business"] = [
        *split.get("business", ()),
        *(channel for channel in channels if channel == "FMV"),
    ]
    return tuple(
        Endpoint(f"wss://{HOSTS[feed]}{MARKET_PATH}", tuple(wanted)) for feed, wanted in split.items() if wanted
    )


def checked_url(url: str) -> str:
    """Return the address of a feed, with the market's path if it has none.

    Raises
    ------
    UsageError
        It does not begin with ws:// or wss://, has no host or one that is no name, or has a password in it.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise UsageError(f"{url} is no address of a feed ({error}): write wss://HOST or ws://HOST:PORT") from error
    if parts.scheme not in ("ws", "wss") or not is_host_name(parts.hostname or ""):
        raise UsageError(f"{url} is no address of a feed: write wss://HOST or ws://HOST:PORT")
    if parts.username is not None or parts.query:
        raise UsageError("the address of the feed has a name, a password or a query: the key is sent as a message only")
    return urlunsplit(parts._replace(path=parts.path if parts.path.strip("/") else MARKET_PATH))
