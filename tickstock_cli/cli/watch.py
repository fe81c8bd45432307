"""`tickstock watch`: the events of a server in a terminal, a pipe or a file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from tickstock_cli.cli.access import ShownToken, read_token
from tickstock_cli.cli.interrupting import stop_on_signals
from tickstock_cli.core.counted import counted
from tickstock_cli.engine.output_slots import OutputSlot
from tickstock_cli.engine.output_states import OutputEnd, OutputStates, failed_outputs_error
from tickstock_cli.errors import InterruptedRunError, ServingError, UsageError

if TYPE_CHECKING:
    from tickstock_cli.cli.render_phrases import KindPhrases
    from tickstock_cli.core.shown_times import ShownZone
    from tickstock_cli.core.stages import Sink
    from tickstock_cli.serving.client import Follower

NAMES = "Repeatable, or between commas."


def watch(
    url: Annotated[
        str, typer.Argument(metavar="URL", help="The server: http://HOST:PORT, HOST:PORT, or HOST (port 8765).")
    ],
    kinds: Annotated[
        list[str] | None, typer.Option("--kinds", metavar="A,B", show_default=False, help=f"Only these kinds. {NAMES}")
    ] = None,
    tickers: Annotated[
        list[str] | None,
        typer.Option(
            "--tickers",
            metavar="A,B|@FILE",
            show_default=False,
            help="Only these tickers, or those a file lists. Repeatable.",
        ),
    ] = None,
    universe: Annotated[
        str | None,
        typer.Option(
            "--universe", metavar="NAME", show_default=False, help="Only tickers of this universe of the server."
        ),
    ] = None,
    sources: Annotated[
        list[str] | None,
        typer.Option("--sources", metavar="A,B", show_default=False, help=f"Only what these sources told. {NAMES}"),
    ] = None,
    min_priority: Annotated[
        int | None,
        typer.Option("--min-priority", min=1, show_default=False, help="2 = only priorities 1 and 2; 1 comes first."),
    ] = None,
    highest_first: Annotated[
        bool, typer.Option("--highest-first", help="Print what comes at once by priority, not by time.")
    ] = False,
    start: Annotated[
        str, typer.Option("--from", metavar="NUMBER|now|first", help="First event: its number, now, or first of all.")
    ] = "first",
    out: Annotated[
        list[str] | None,
        typer.Option(
            "--out",
            metavar="FILE",
            show_default=False,
            help="Write events to .parquet, .jsonl or .csv, or - for JSON lines on stdout. Repeatable.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print events as JSON lines, with their numbers.")] = False,
    token: ShownToken = None,
    give_up: Annotated[
        float, typer.Option("--give-up", metavar="SECONDS", min=0, help="How long to try without a connection.")
    ] = 60.0,
) -> None:
    """Watch the events of a server; reconnects by itself and goes on where it was.

    Ends with the run that is served. Ctrl-C ends cleanly: files are whole up to there, and --from goes on.
    """
    from tickstock_cli.cli.options import parse_symbols
    from tickstock_cli.serving.addresses import websocket_url
    from tickstock_cli.serving.client import Follower, Subscription

    taker = Taker(out or [], as_json, highest_first)
    symbols = parse_symbols(tickers, "--tickers")
    subscription = Subscription(
        kinds=_names(kinds, "--kinds"),
        tickers=None if symbols is None else tuple(sorted(symbols)),
        sources=_names(sources, "--sources"),
        min_priority=min_priority,
        universe=universe,
        start=_start(start),
        notices=True,
    )
    follower = Follower(websocket_url(url), subscription, read_token(token), give_up, taker.begin, _tell)
    try:
        interrupted = asyncio.run(_follow(follower, taker))
        if not interrupted:
            _raise_if_incomplete(follower, taker.count)
        taker.commit(stopped=interrupted)
    except ServingError:
        # Events received before the server was lost are kept, as after Ctrl-C.
        taker.keep()
        raise
    except BaseException:
        taker.abort()
        raise
    if interrupted:
        more = "" if follower.next is None else f"; go on with --from {follower.next}"
        raise InterruptedRunError(f"stopped after {counted(taker.count, 'event')}{more}")
    _tell(f"the run is over: {counted(taker.count, 'event')}")


def _names(texts: list[str] | None, option: str) -> tuple[str, ...] | None:
    names = tuple(name for text in texts or () for name in text.replace(",", " ").split())
    if texts and not names:
        raise UsageError(f"{option} {texts[0]} has no name; write A,B")
    return names or None


def _start(text: str) -> int | Literal["now", "first"]:
    if text == "now":
        return "now"
    if text == "first":
        return "first"
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise UsageError(f"--from must be now, first, or the number of an event (1 is the first), was {text}")


def _tell(text: str) -> None:
    typer.echo(text, err=True)


def _raise_if_incomplete(follower: Follower, count: int) -> None:
    """Raise ServingError if the run broke off, or the server could not read all of its events."""
    if follower.end is not None and follower.end.get("broken_off"):
        raise ServingError(f"{broken_off_words(follower)}: {counted(count, 'event')}")
    if follower.unreadable:
        raise ServingError(f"the run is over, but the server cannot read {follower.unreadable:,} of its events")


def run_zone(hello: Mapping[str, Any]) -> ShownZone:
    """Return the zone of the exchange's calendar that a server names."""
    from tickstock_cli.core.shown_times import exchange_zone

    return exchange_zone(hello["about"].get("calendar", ""))


def broken_off_words(follower: Follower) -> str:
    """Return when a run broke off, on the clock of the wall and on that of the market."""
    assert follower.hello is not None
    assert follower.end is not None
    about, market = follower.hello["about"], follower.end["time"]
    zone = run_zone(follower.hello)
    since = about.get("broke_off_at")
    told = "the run broke off" + (f" at {zone.clock(since, 0)} {zone.name}" if since is not None else "")
    return told + (f"; its last event is of {zone.clock(market)}" if market is not None else "")


async def _follow(follower: Follower, taker: Taker) -> bool:
    """Take events to the end of the run; return whether the user ended it earlier."""
    task = asyncio.current_task()
    assert task is not None
    stop_on_signals(asyncio.get_running_loop(), task.cancel)
    with suppress(asyncio.CancelledError):
        async with aclosing(follower.batches()) as batches:
            async for events in batches:
                taker.take(events)
        return False
    return True


class Taker:
    """Prints events, and writes them to files.

    Raises
    ------
    UsageError
        An output is of unknown format, two would write to stdout, or an order is set for files, which have that of the
        run.
    """

    def __init__(self, outs: list[str], as_json: bool, highest_first: bool) -> None:
        if as_json and "-" in outs:
            raise UsageError("--json and --out - both write to stdout; choose one")
        if highest_first and (as_json or outs):
            raise UsageError("--highest-first is for lines on the terminal; --json and --out keep the order of the run")
        self._highest_first = highest_first
        if outs:
            from tickstock_cli.sinks.opening import sink_class

            for target in outs:
                sink_class(target)
        self.count = 0
        self._outs = outs
        self._as_json = as_json
        self._states = OutputStates()
        self._slots: list[OutputSlot[Sink]] = []
        self._schema: Any = None
        self._phrases: KindPhrases | None = None
        self._zone: ShownZone | None = None
        self._day: int | None = None

    def begin(self, hello: Mapping[str, Any]) -> None:
        """Open the files with the columns of the events; a replay that seeks back begins them again."""
        self.abort()
        self._states = OutputStates(lambda _, reason: _tell(f"warning: {reason}; the other outputs go on"))
        self._slots.clear()
        self.count = 0
        if not self._outs:
            if not self._as_json:
                from tickstock_cli.cli.render_phrases import KindPhrases

                self._phrases, self._zone = KindPhrases.of_hello(hello), run_zone(hello)
            return
        import pyarrow as pa

        from tickstock_cli.core.declarations import DetectorDocument, with_declarations
        from tickstock_cli.core.events import EVENT_SCHEMA, with_own_fields
        from tickstock_cli.core.kinds import own_columns
        from tickstock_cli.sinks.opening import open_sink, path_of

        ours = {field.name: field.type for field in EVENT_SCHEMA}
        columns = pa.schema(
            [
                # event_id travels as a string; other columns that are new to this program as what they are called.
                pa.field(name, ours[name] if name in ours else pa.type_for_alias(column["type"]), column["nullable"])
                for column in hello["columns"]
                for name in [column["name"]]
            ]
        )
        declared = [DetectorDocument.model_validate(one).declaration() for one in hello.get("detectors", ())]
        own = own_columns(kind for detector in declared for kind in detector.kinds)
        self._schema = with_own_fields(columns, own)
        if declared:
            self._schema = with_declarations(self._schema, declared)
        for target in self._outs:
            sink = open_sink(target, self._schema)
            self._slots.append(OutputSlot(sink, self._states.add(target), self._states, path_of(target)))

    def take(self, events: list[dict[str, Any]]) -> None:
        """Take a batch. It has all events of a range of the run, so sorting it is enough."""
        self.count += len(events)
        if not self._highest_first:
            events = sorted(events, key=lambda event: int(event["sequence"]))
        for event in events:
            event["event_id"] = int(event["event_id"])
        if self._as_json:
            typer.echo("\n".join(json.dumps(event) for event in events))
        elif not self._outs:
            from tickstock_cli.cli.console import data_console
            from tickstock_cli.cli.render_watch import EventLines

            assert self._zone is not None  # hello came first
            if self._day is None:
                _tell(f"times are those of {self._zone.name}")
            data_console().print(EventLines(events, self._zone, self._phrases, self._day))
            self._day = self._zone.day(events[-1]["timestamp"])
        if self._slots:
            import pyarrow as pa

            rows = pa.RecordBatch.from_pylist(events, self._schema)
            for slot in self._slots:
                slot.attempt(lambda sink: sink.write(rows))
                slot.state.count(len(rows))
            self._states.check()

    def commit(self, *, stopped: bool = False) -> None:
        """Commit every file; one that was stopped early leaves an earlier file of its name.

        Raises
        ------
        OutputError
            Some files could not be written; the others have their names.
        """
        for slot in self._slots:
            slot.finish()
        for slot in self._slots:
            slot.commit(stopped=stopped)
        self._states.check()
        reports = [state.report(OutputEnd.WRITTEN) for state in self._states]
        for report in reports:
            if report.stands_as not in (None, report.output):
                _tell(f"note: {report.output} is a file of an earlier run; these events are in {report.stands_as}")
        error = failed_outputs_error(reports, None)
        if error is not None:
            raise error

    def keep(self) -> None:
        """Move files with events to their final names, and print that; otherwise keep earlier files."""
        if not self._slots or not self.count:
            self.abort()
            return
        self.commit(stopped=True)
        _tell(f"note: outputs hold the {counted(self.count, 'event')} that came before")

    def abort(self) -> None:
        """Leave earlier files of the names unchanged."""
        for slot in self._slots:
            slot.abort()
