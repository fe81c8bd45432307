"""``tickstock replay … --as-polygon``: the vendor, played from a recording, for programs that read its feed."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tickstock_cli.cli.interrupting import stop_on_signals
from tickstock_cli.cli.notes import print_input_notes
from tickstock_cli.core.counted import counted
from tickstock_cli.errors import UsageError

if TYPE_CHECKING:
    from tickstock_cli.core.stages import NamedSource
    from tickstock_cli.replaying import Request
    from tickstock_cli.sources.options import ReadOptions
    from tickstock_cli.vendors.polygon.server.fault_plan import FaultPlan
    from tickstock_cli.vendors.polygon.server.vendor import PlayedVendor, PlayOptions

CLIENT_BUFFER = "4MiB"
EVENTS_PER_FRAME = 100

AsPolygon = Annotated[
    str | None,
    typer.Option(
        "--as-polygon",
        metavar="HOST:PORT",
        show_default=False,
        help="Send the rows, instead of computing events, as Polygon (Massive) sends trades, bars and fair values: "
        "a WebSocket server for programs that read that feed. --speed is 1 then unless given.",
    ),
]
Key = Annotated[
    str | None,
    typer.Option("--key", metavar="TEXT", show_default="any", help="The key that clients of --as-polygon must send."),
]
Loop = Annotated[
    bool, typer.Option("--loop", help="With --as-polygon: begin again behind the last row, with the same times.")
]
StartOnSubscribe = Annotated[
    bool,
    typer.Option("--start-on-subscribe", help="With --as-polygon: the first row waits for the first subscription."),
]
EventsPerFrame = Annotated[
    int | None,
    typer.Option(
        "--events-per-frame",
        metavar="N",
        min=1,
        show_default=str(EVENTS_PER_FRAME),
        help="With --as-polygon: most events of one moment in a frame.",
    ),
]
FaultFile = Annotated[
    Path | None,
    typer.Option(
        "--fault",
        metavar="FILE",
        show_default=False,
        help="With --as-polygon: make the faults that a file lists (TOML), such as drops and bad frames.",
    ),
]
ClientBuffer = Annotated[
    str | None,
    typer.Option(
        "--client-buffer",
        metavar="SIZE",
        show_default=CLIENT_BUFFER,
        help="With --as-polygon: bytes that may wait for a client; one that is slower is cut off.",
    ),
]


@dataclass(frozen=True, slots=True)
class Playing:
    """The options of ``--as-polygon``, as given."""

    address: str | None
    key: str | None
    loop: bool
    start_on_subscribe: bool
    events_per_frame: int | None
    fault: Path | None
    client_buffer: str | None

    @property
    def usual_speed(self) -> str:
        """The speed unless one is given."""
        return "max" if self.address is None else "1"

    def check(self, about_events: Mapping[str, object]) -> None:
        """Raise UsageError for options that need the address, or that are about events beside it.

        Parameters
        ----------
        about_events
            Options of a replay that computes events, by name; those that were not given are false.
        """
        if self.address is not None:
            if given := next((name for name, value in about_events.items() if value), None):
                raise UsageError(
                    f"{given} is about events, and --as-polygon sends the rows without computing any: leave one out"
                )
            return
        own = {
            "--key": self.key,
            "--loop": self.loop,
            "--start-on-subscribe": self.start_on_subscribe,
            "--events-per-frame": self.events_per_frame,
            "--fault": self.fault,
            "--client-buffer": self.client_buffer,
        }
        if given := next((name for name, value in own.items() if value), None):
            raise UsageError(f"{given} is about the vendor played: add --as-polygon HOST:PORT")

    def options(self, speed: float | None, faults: FaultPlan) -> PlayOptions:
        """Return the options of the server.

        Raises
        ------
        UsageError
            The address or the size of the buffer is none.
        """
        from tickstock_cli.core.quantities import parse_size
        from tickstock_cli.serving.server import parse_host_port
        from tickstock_cli.vendors.polygon.server.session import SessionOptions
        from tickstock_cli.vendors.polygon.server.vendor import PlayOptions

        assert self.address is not None
        host, port = parse_host_port(self.address)
        sessions = SessionOptions(
            self.key, parse_size(self.client_buffer or CLIENT_BUFFER), acks_together=faults.acks == "together"
        )
        return PlayOptions(
            host,
            port,
            speed,
            self.start_on_subscribe,
            self.loop,
            self.events_per_frame or EVENTS_PER_FRAME,
            sessions,
        )


def play(request: Request, playing: Playing, as_json: bool) -> None:
    """Serve the rows of a request until Ctrl-C or SIGTERM.

    Raises
    ------
    UsageError
        An option is wrong, the rows can be read only once and shall be played in a loop, or a fault is at a time of day
        and the recording has several dates.
    SettingsError
        The file of faults cannot be read, or its faults need a speed.
    DataError
        The rows cannot be read.
    ServingError
        The address is taken.
    """
    import asyncio  # every replay imports this module

    from tickstock_cli.core.calendar import market_zone
    from tickstock_cli.core.garbage import collected_seldom
    from tickstock_cli.replaying import read_options
    from tickstock_cli.sources.opening import open_repeatable, open_source
    from tickstock_cli.vendors.polygon.server.fault_plan import FaultPlan, load_faults

    faults = FaultPlan() if playing.fault is None else load_faults(playing.fault)
    options = playing.options(request.speed, faults)
    reading = replace(read_options(request, request.effective_settings), keep_originals=True)
    source = (
        open_repeatable(request.paths, reading, "--loop reads it again")
        if playing.loop
        else open_source(request.paths, reading)
    )
    with closing(source), collected_seldom():
        faults = faults.dated(source.span, market_zone(reading.calendar))
        asyncio.run(_serve(source, reading, options, faults, as_json))


async def _serve(
    source: NamedSource, reading: ReadOptions, options: PlayOptions, faults: FaultPlan, as_json: bool
) -> None:
    import asyncio

    from tickstock_cli.vendors.polygon.server.source_rows import SourceRows
    from tickstock_cli.vendors.polygon.server.vendor import PlayedVendor

    stopped = asyncio.Event()
    stop_on_signals(asyncio.get_running_loop(), stopped.set)
    stopped_wait = asyncio.ensure_future(stopped.wait())
    told = print_input_notes(source)
    begun = monotonic()
    rows = SourceRows(source, reading.columns, _note, reading.calendar)
    async with PlayedVendor(rows, options, faults) as vendor:
        _print_beginning(vendor, source, options, as_json)
        played = asyncio.ensure_future(vendor.played())
        try:
            await asyncio.wait({played, stopped_wait}, return_when=asyncio.FIRST_COMPLETED)
            if played.done():
                played.result()
                print_input_notes(source, told)
                _say(
                    f"every row is out: {counted(vendor.player.released, 'event')}; connections stay open and silent, "
                    "as after the close of the market; Ctrl-C ends"
                )
            await stopped_wait
        finally:
            source.interrupt()
            played.cancel()
    _print_summary(vendor, monotonic() - begun, as_json)


def _print_beginning(vendor: PlayedVendor, source: NamedSource, options: PlayOptions, as_json: bool) -> None:
    rows = "a stream" if source.rows is None else f"a recording of {counted(source.rows, 'row')}"
    speed = "as fast as clients read" if options.speed is None else f"at speed {options.speed:g}"
    _say(f"playing {rows} as Polygon on {vendor.url}, {speed}; Ctrl-C stops")
    if options.speed is None:
        _note("rows wait for the first subscription, and for the slowest client, because --speed is max")
    if options.loop:
        _note("--loop sends the same times again: to a client, time goes back at the beginning of every pass")
    if not as_json:
        typer.echo(vendor.url)
        sys.stdout.flush()


def _print_summary(vendor: PlayedVendor, seconds: float, as_json: bool) -> None:
    counts, player = vendor.counts, vendor.player
    summary: dict[str, Any] = {
        "released": player.released,
        "unsent": dict(player.unsent),
        "passes": player.passes,
        "late_ms_max": round(player.latest_ns / 1e6, 3),
        "connections": counts.connections,
        "clients_at_once": counts.at_once,
        "frames_sent": counts.frames,
        "events_sent": counts.events,
        "too_slow": counts.too_slow,
        "ignored_commands": counts.ignored_commands,
        "faults": dict(vendor.faults),
        "seconds": round(seconds, 3),
    }
    if as_json:
        typer.echo(json.dumps(summary))
        return
    _say(
        f"released {counted(player.released, 'event')}; sent {counts.events:,} in {counted(counts.frames, 'frame')} "
        f"over {counted(counts.connections, 'connection')}"
    )
    for reason, rows in player.unsent.items():
        _say(f"not sent: {counted(rows, 'row')} {UNSENT_WORDS[reason]}")
    if counts.too_slow:
        _say(f"cut off because they did not read fast enough: {counts.too_slow:,}")
    if counts.ignored_commands:
        _say(f"commands that were none, and were ignored: {counts.ignored_commands:,}")
    if vendor.faults:
        _say("faults: " + ", ".join(f"{kind} {times:,}" for kind, times in vendor.faults.items()))


UNSENT_WORDS = {
    "interval": "of bars that are neither of a minute nor of a second",
    "ticker": "without a ticker",
}


def _note(text: str) -> None:
    _say(f"note: {text}")


def _say(text: str) -> None:
    typer.echo(text, err=True)
