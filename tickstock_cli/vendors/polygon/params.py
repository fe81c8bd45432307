"""Settings of the feed, the section ``polygon``, and what follows from them: addresses and the key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
FAIR_VALUES = "FMV"
"""The channel that is on the business host only."""
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
    fmv_url: str = Field(
        default="",
        description="address of the fair market values, if it is another one; an empty one is polygon.url, or without "
        "it the vendor's business host",
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
    """Return where to connect: once for each address that the channels have.

    Fair market values have a host of their own, unless an address is given for all channels.

    Raises
    ------
    UsageError
        An address is none of a WebSocket.
    """
    stocks = _address(params.url, params.feed)
    values = _address(params.fmv_url or params.url, "business")
    split: dict[str, list[str]] = {}
    for channel in sorted(dict.fromkeys(params.channels), key=lambda channel: channel == FAIR_VALUES):
        split.setdefault(values if channel == FAIR_VALUES else stocks, []).append(channel)
    return tuple(Endpoint(url, tuple(channels)) for url, channels in split.items())


def _address(url: str, feed: FeedName) -> str:
    """Return the address that a setting gives, or that of the vendor's host of a feed."""
    return checked_url(url) if url else f"wss://{HOSTS[feed]}{MARKET_PATH}"


def entitlement_hint(feed: FeedName, refused: Iterable[str]) -> str | None:
    """Return what helps where the vendor refuses channels of a feed; None: nothing is known to.

    Examples
    --------
    >>> entitlement_hint("delayed", ["FMV"])
    'FMV needs a business plan'
    """
    channels = set(refused)
    if feed == "business" and channels & {"T", "A"}:
        return "the business feed has T and A only under an agreement for real-time data; it has AM and FMV at once"
    return f"{FAIR_VALUES} needs a business plan" if FAIR_VALUES in channels else None


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
