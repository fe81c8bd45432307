"""`tickstock live`: a vendor's feed in, alerts out, and a recording that replays to the same events."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tickstock_cli.cli.access import (
    LOOPBACK_NAMES,
    TOKEN_VARIABLE,
    LogFolder,
    Origins,
    Serve,
    SocketIo,
    Token,
    read_listen,
    read_token,
)
from tickstock_cli.cli.interrupting import leave_at_once_if_insisted, load_sinks
from tickstock_cli.cli.options import (
    ConfigFile,
    Json,
    Outs,
    Sets,
    ShadowFile,
    load_settings,
    load_shadow,
    parse_symbols,
)
from tickstock_cli.core.time_input import TimeInput, parse_time_input
from tickstock_cli.errors import UsageError

RELAY_KEY_VARIABLE = "TICKSTOCK_RELAY_KEY"
UNTIL_FORMS = "write a time of day such as 16:05, or a full one such as 2026-11-27T16:05 (no zone = that of the market)"
VENDOR = "polygon"
"""The source, and the section of the configuration, that the options of the feed are about."""

if TYPE_CHECKING:
    from tickstock_cli.config.load import Assigned
    from tickstock_cli.config.settings import Settings
    from tickstock_cli.live.request import LiveRequest, RelayAddress


def _parse_until(text: str) -> TimeInput:
    return parse_time_input(text, UNTIL_FORMS)


def live(
    symbols: Annotated[
        list[str] | None,
        typer.Option(
            "--symbols",
            metavar="A,B|@FILE|'*'",
            show_default=False,
            help="Tickers to subscribe to, those a file lists, or '*' for all. Repeatable.",
        ),
    ] = None,
    channels: Annotated[
        str | None,
        typer.Option(
            "--channels",
            metavar="T,A|AM,FMV",
            show_default="T,AM",
            help="Channels of the feed: trades (T), bars of a second (A) or of a minute (AM), fair market values.",
        ),
    ] = None,
    feed: Annotated[
        str | None,
        typer.Option(
            "--feed", metavar="realtime|delayed|business", show_default="realtime", help="Which feed of the vendor."
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            "--url", metavar="ws(s)://…", show_default=False, help="Another address, as of replay --as-polygon."
        ),
    ] = None,
    fmv_url: Annotated[
        str | None,
        typer.Option(
            "--fmv-url",
            metavar="ws(s)://…",
            show_default=False,
            help="Another address of channel FMV, which then has a connection of its own.",
        ),
    ] = None,
    bars_from_trades: Annotated[
        str | None,
        typer.Option(
            "--bars-from-trades",
            metavar="1s|60s",
            show_default=False,
            help="Make bars from the trades, without the vendor's hold of 2 s, instead of its own; alone, it asks for "
            "channel T only.",
        ),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(
            "--record", metavar="DIR", show_default=False, help="Record the rows and the events here, or go on there."
        ),
    ] = None,
    max_size: Annotated[
        str | None,
        typer.Option(
            "--max-size",
            metavar="SIZE",
            show_default=False,
            help="Remove whole oldest days of the recording above this, as in 200GiB.",
        ),
    ] = None,
    keep_days: Annotated[
        int | None,
        typer.Option("--keep-days", min=1, show_default=False, help="Keep this many days of the recording."),
    ] = None,
    out: Outs = None,
    duration: Annotated[
        str | None,
        typer.Option(
            "--duration", metavar="1h", show_default=False, help="End after this time: a number with s, m, h or d."
        ),
    ] = None,
    until: Annotated[
        TimeInput | None,
        typer.Option(
            "--until",
            metavar="TIME",
            show_default=False,
            parser=_parse_until,
            help="End then: a time of day in New York such as 16:05, or ISO 8601 (without a zone: of New York).",
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Connect, authenticate, subscribe, say what was granted, and leave.")
    ] = False,
    as_json: Json = False,
    config: ConfigFile = None,
    sets: Sets = None,
    shadow: ShadowFile = None,
    serve: Serve = None,
    token: Token = None,
    origins: Origins = None,
    socketio: SocketIo = False,
    log: LogFolder = None,
    relay: Annotated[
        str | None,
        typer.Option(
            "--relay",
            metavar="HOST:PORT",
            show_default=False,
            help="Serve this one connection to any number of local clients, in the vendor's format.",
        ),
    ] = None,
    relay_key: Annotated[
        str | None,
        typer.Option(
            "--relay-key",
            metavar="TEXT|@FILE",
            envvar=RELAY_KEY_VARIABLE,
            show_default=False,
            help="The key that clients of --relay must send; without it they send any.",
        ),
    ] = None,
    dashboard: Annotated[
        bool, typer.Option("--dashboard", help="Show the running system, too: channels, queues, latency, alerts.")
    ] = False,
) -> None:
    """Run live on a vendor's feed: alerts out, and a recording that replays to the same events.

    The key comes from POLYGON_API_KEY or MASSIVE_API_KEY. Ctrl-C ends the run cleanly: what was received is processed,
    outputs and recording are whole.
    """
    from tickstock_cli.cli.live_running import run
    from tickstock_cli.runtime.opening import PipelineName

    if channels is None and bars_from_trades is not None:
        channels = "T"
    assigned = [*(sets or ()), *_assigned(channels, feed, url, fmv_url), *_bars_from_trades(bars_from_trades)]
    settings = load_settings(config, assigned).settings
    if fmv_url is not None and "FMV" not in getattr(getattr(settings, VENDOR, None), "channels", ()):
        raise UsageError("--fmv-url is about the channel FMV: add it, as in --channels T,AM,FMV")
    request = replace(
        _request(settings, symbols, record, max_size, keep_days, out, duration, until, as_json, check),
        shadow=load_shadow(shadow, settings),
        shadow_name="" if shadow is None else str(shadow),
        relay=_relay(relay, relay_key),
    )
    if check:
        from tickstock_cli.cli.live_checking import check as check_feed

        check_feed(request, as_json)
        return
    address = read_listen(serve, token, origins, socketio, log)
    if address is None and not dashboard:  # nothing shows the channels
        request = replace(request, pipeline=PipelineName.DIRECT)
    load_sinks(request.outs)
    with leave_at_once_if_insisted():
        run(request, address, log, dashboard=dashboard, as_json=as_json)


def _assigned(channels: str | None, feed: str | None, url: str | None, fmv_url: str | None) -> list[str | Assigned]:
    """Return the options of the feed as assignments of settings; an error names the option."""
    from tickstock_cli.config.load import Assigned

    names = None if channels is None else [name.strip() for name in channels.split(",")]
    values = {"channels": names, "feed": feed, "url": url, "fmv_url": fmv_url}
    return [
        Assigned(f"{VENDOR}.{name}", value, f"--{name.replace('_', '-')}")
        for name, value in values.items()
        if value is not None
    ]


def _relay(listen: str | None, key: str | None) -> RelayAddress | None:
    """Return the address of ``--relay``; warn if other machines can connect.

    Raises
    ------
    UsageError
        It is no address, or a key is given without it.
    """
    if listen is None:
        if key is not None:
            raise UsageError("--relay-key is about the relay: add --relay HOST:PORT")
        return None
    from tickstock_cli.live.request import RelayAddress
    from tickstock_cli.serving.server import parse_host_port

    host, port = parse_host_port(listen)
    if host not in LOOPBACK_NAMES:
        print(f"warning: whoever can reach {host} can read this feed, which is licensed to you", file=sys.stderr)
    return RelayAddress(
        host, port, read_token(key, "--relay-key"), lambda url: print(f"relaying on {url}", file=sys.stderr)
    )


def _bars_from_trades(text: str | None) -> list[str]:
    """Return ``--bars-from-trades`` as assignments of settings.

    Raises
    ------
    UsageError
        It is neither of the two.
    """
    if text is None:
        return []
    seconds = {"1s": 1, "60s": 60}.get(text)
    if seconds is None:
        raise UsageError(f"--bars-from-trades must be 1s or 60s, was {text}")
    return [f"live.bars_from_trades_seconds={seconds}"]


def _request(
    settings: Settings,
    symbols: list[str] | None,
    record: Path | None,
    max_size: str | None,
    keep_days: int | None,
    out: list[str] | None,
    duration: str | None,
    until: TimeInput | None,
    as_json: bool,
    check: bool,
) -> LiveRequest:
    """Return the request of the options.

    Raises
    ------
    UsageError
        Options contradict each other, or a value is none.
    """
    from time import time_ns

    from tickstock_cli.core.calendar import market_zone
    from tickstock_cli.core.quantities import parse_duration, parse_size
    from tickstock_cli.live.request import LiveRequest, next_moment
    from tickstock_cli.sources import SOURCES

    key_variables: Sequence[str] = SOURCES.load(VENDOR).key_variables
    outs = out if out is not None else _default_outs(as_json or check)
    if as_json and "-" in outs:
        raise UsageError("--json and --out - both write to stdout; write the events to a file")
    if duration is not None and until is not None:
        raise UsageError("--duration and --until both end the run; give one")
    if record is None and (max_size is not None or keep_days is not None):
        raise UsageError("--max-size and --keep-days are about the recording: add --record DIR")
    ends_at = None if until is None else next_moment(until, time_ns(), market_zone(settings.session.market_calendar))
    return LiveRequest(
        _target(symbols),
        settings,
        outs,
        record,
        None if max_size is None else parse_size(max_size),
        keep_days,
        ends_at,
        None if duration is None else parse_duration(duration),
        command_line=("tickstock", *sys.argv[1:]),
        secrets=[
            text for name in (*key_variables, TOKEN_VARIABLE, RELAY_KEY_VARIABLE) if (text := os.environ.get(name))
        ],
    )


def _default_outs(is_silent: bool) -> list[str]:
    """Return the outputs without ``--out``: JSON lines where stdout is no terminal."""
    return [] if is_silent or sys.stdout.isatty() else ["-"]


def _target(symbols: list[str] | None) -> str:
    if symbols is None:
        raise UsageError("--symbols is missing: name tickers, as in AAPL,MSFT, a file of them as @FILE, or '*' for all")
    wanted = parse_symbols(symbols)
    return f"{VENDOR}:{','.join(sorted(wanted or ()))}"
