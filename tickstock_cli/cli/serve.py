"""`tickstock serve`: a finished run's events on a WebSocket, and a page to look at them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tickstock_cli.cli.access import Origins, SocketIo, Token, read_address
from tickstock_cli.cli.interrupting import stop_on_signals
from tickstock_cli.core.counted import counted
from tickstock_cli.errors import DataError

if TYPE_CHECKING:
    from tickstock_cli.broadcast.damage import DamageAlert
    from tickstock_cli.core.kinds import Kind
    from tickstock_cli.eventlog.view import LogView
    from tickstock_cli.serving.server import Address, EventServer

Host = Annotated[
    str, typer.Option("--host", metavar="ADDRESS", help="Where to listen; 0.0.0.0 lets other machines in.")
]
Port = Annotated[int, typer.Option("--port", min=0, max=65_535, help="0 takes any free one.")]


def serve(
    log: Annotated[
        Path, typer.Argument(metavar="LOG", help="Folder of an event log, or a .parquet, .jsonl or .csv of events.")
    ],
    host: Host = "127.0.0.1",
    port: Port = 8765,
    token: Token = None,
    origins: Origins = None,
    socketio: SocketIo = False,
    open_browser: Annotated[bool, typer.Option("--open-browser", help="Show the page in a browser.")] = False,
) -> None:
    """Serve the events of a finished run: a web page, a WebSocket, and pages of JSON.

    Prints the page's address, and serves until Ctrl-C.
    """
    address = read_address(host, port, token, origins, socketio)
    from tickstock_cli.broadcast.damage import DamageAlert
    from tickstock_cli.core.clock import SystemClock

    with _opened(log) as opened:
        opened.check()
        alert = DamageAlert(opened, SystemClock())
        server = _server(opened, address, alert)
        typer.echo(
            f"serving {counted(opened.next_sequence - opened.first_sequence, 'event')} of {log}; Ctrl-C stops", err=True
        )
        if opened.problem is not None:
            typer.echo(f"warning: {opened.problem}", err=True)
        elif not opened.finished:
            typer.echo(
                f"note: {_broken_off_words(opened)}; events that it would have told later are not there", err=True
            )
        asyncio.run(_serve_until_stopped(server, open_browser, alert))


def _broken_off_words(log: LogView) -> str:
    from tickstock_cli.core.shown_times import exchange_zone

    zone = exchange_zone(log.run.calendar)
    return "the run broke off" + (f" at {zone.clock(log.broke_off_at, 0)} {zone.name}" if log.broke_off_at else "")


@contextmanager
def _opened(path: Path) -> Iterator[LogView]:
    """Open a log, or convert an event file to one, within the context."""
    from tickstock_cli.core.temporary_folder import LockedFolder
    from tickstock_cli.eventlog.manifest import RunInfo
    from tickstock_cli.eventlog.opening import copy_in, open_log
    from tickstock_cli.storage.names import is_object

    if not (is_object(path) or path.exists()):
        raise DataError(f"{path} does not exist; name the folder of an event log, or a file of events")
    if path.is_dir():
        yield open_log(path)
        return
    import pyarrow as pa

    from tickstock_cli.core.declarations import with_declarations
    from tickstock_cli.core.digest import EventDigest
    from tickstock_cli.core.events import EVENT_SCHEMA, with_own_fields
    from tickstock_cli.core.kinds import own_columns
    from tickstock_cli.sources.event_files import read_declarations, read_events

    table, declared = read_events(path).to_arrow(), read_declarations(path)
    fields = [*EVENT_SCHEMA, *(field for field in table.schema if field.name not in EVENT_SCHEMA.names)]
    own = own_columns(kind for detector in declared for kind in detector.kinds)
    schema = with_own_fields(pa.schema(fields), own)
    batches = table.cast(schema).to_batches(max_chunksize=65_536)
    digest = EventDigest(schema)
    for batch in batches:
        digest.update(batch)
    # The same file is the same run, so that clients can resume after a restart.
    run = RunInfo(id=digest.hexdigest()[:16], started_at=0, title=path.name)
    with LockedFolder("serve") as folder:
        yield copy_in(batches, folder / "log", run, schema=with_declarations(schema, declared))


def _server(log: LogView, address: Address, alert: DamageAlert) -> EventServer:
    from tickstock_cli.serving.recorded import RecordedStatus
    from tickstock_cli.serving.served import ServedRun
    from tickstock_cli.serving.server import EventServer

    served = ServedRun(
        log=log,
        run=log.run.id,
        status=RecordedStatus(log, lambda: log.problem, alert.active),
        about={
            "title": log.run.title,
            "started_at": log.run.started_at,
            "tickstock": log.run.tickstock,
            "calendar": log.run.calendar,
            "broke_off_at": log.broke_off_at,
        },
        kinds=_kinds(log),
        universes={name: frozenset(tickers) for name, tickers in log.run.universes.items()},
        live=False,
    )
    return EventServer(served, address)


def _kinds(log: LogView) -> tuple[Kind, ...]:
    """Return the kinds that the events can be of: the project's own, and those that the log declares or holds."""
    from tickstock_cli.build import event_kinds
    from tickstock_cli.core.declarations import declared_kinds
    from tickstock_cli.eventlog.undeclared import undeclared_kinds

    kinds = declared_kinds(event_kinds(), log.declared)
    return kinds if log.declared else (*kinds, *undeclared_kinds(log, {kind.name for kind in kinds}))


async def _serve_until_stopped(server: EventServer, open_browser: bool, alert: DamageAlert) -> None:
    stopped = asyncio.Event()
    stop_on_signals(asyncio.get_running_loop(), stopped.set)
    await server.start()
    alert.post_to(server.hub.alerts.post)
    typer.echo(server.url)
    if open_browser:
        import webbrowser

        webbrowser.open(server.url)
    await stopped.wait()
    await server.stop()
