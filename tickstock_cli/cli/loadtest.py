"""`tickstock loadtest`: run a scenario against the running system, in processes of its own."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tickstock_cli.cli.interrupting import leave_at_once_if_insisted, stop_on_interrupt
from tickstock_cli.cli.options import Json
from tickstock_cli.errors import InterruptedRunError, ThresholdError, TickstockError, UsageError

if TYPE_CHECKING:
    from tickstock_cli.loadtest.observation import Observation
    from tickstock_cli.loadtest.orchestrator import LoadTestOptions, LoadTestProgress
    from tickstock_cli.loadtest.result import Result
    from tickstock_cli.loadtest.scenario import Scenario


def loadtest(
    scenario: Annotated[
        str, typer.Argument(metavar="SCENARIO", show_default=False, help="Name of a shipped one, or a TOML file.")
    ],
    speed: Annotated[
        float, typer.Option("--speed", help="Market seconds in a wall second: rates are so many times as high.")
    ] = 1.0,
    transport: Annotated[
        str,
        typer.Option(
            "--transport",
            metavar="pipe|ws|NAME",
            help="How rows reach the system. pipe: columns over a local socket; ws: JSON over a loopback WebSocket; "
            "or the name of a plugin's.",
        ),
    ] = "pipe",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", show_default=False, help="Write result.json, junit.xml and report.html here."
        ),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            show_default=False,
            help="Change the scenario, as in stages.open.tick=900 or settings.tick_channel.instances=2. Repeatable.",
        ),
    ] = None,
    find_max: Annotated[
        bool, typer.Option("--find-max", help="Search for the highest sustainable rate under the thresholds.")
    ] = False,
    attempts: Annotated[
        int, typer.Option(min=1, help="Repeat a run that missed nothing but times, up to N runs in all.")
    ] = 1,
    as_json: Json = False,
) -> None:
    """Run a scenario against the running system and compare the figures with thresholds.

    Generator, system and clients run in processes of their own; the generator's schedule does not depend on the system.
    Exit code 4: a threshold was missed. Ctrl-C ends the run early; its result is written all the same.
    """
    if not 0 < speed < float("inf"):
        raise UsageError(f"--speed must be a number above 0, was {speed:g}")
    if find_max and attempts > 1:
        raise UsageError("--attempts has no effect with --find-max, which repeats trials itself; leave it out")
    from tickstock_cli.loadtest.catalogue import find, load_scenario
    from tickstock_cli.loadtest.orchestrator import LoadTestOptions
    from tickstock_cli.loadtest.transport import TRANSPORTS
    from tickstock_cli.measurement.documents import make_folder

    TRANSPORTS.load(transport)  # an unknown name is an error before any process starts

    wanted = load_scenario(scenario, sets or ())
    if out is not None:
        make_folder(out)
    options = LoadTestOptions(wanted, find(scenario).stem, speed, transport, shlex.join(["tickstock", *sys.argv[1:]]))
    _compile(wanted)
    with leave_at_once_if_insisted():
        seen, crash = _search(options) if find_max else _run(options, attempts)
        result = _deliver(seen, out, as_json)
    _judge(result, crash)


def _compile(scenario: Scenario) -> None:
    """Compile all kernels before the processes start; otherwise each process would compile them."""
    from tickstock_cli.cli.compiling import warm_up_saying_so
    from tickstock_cli.loadtest.settings import system_settings

    warm_up_saying_so(system_settings(scenario), lambda: None)


def _run(options: LoadTestOptions, attempts: int) -> tuple[Observation, str | None]:
    """Run the load test; return the observation, and the crash of a process or None."""
    from tickstock_cli.loadtest.attempts import attempt
    from tickstock_cli.loadtest.orchestrator import Orchestrator

    crash: str | None = None

    def run() -> Observation:
        nonlocal crash
        with _progress(options) as progress:
            orchestrator = Orchestrator(options, progress)
            with stop_on_interrupt(orchestrator):
                seen = orchestrator.run()
        crash = orchestrator.crash
        return seen

    return attempt(run, attempts, lambda words: typer.echo(words, err=True)), crash


def _search(options: LoadTestOptions) -> tuple[Observation, str | None]:
    """Search for the highest sustainable rate, and print one line for every trial."""
    from tickstock_cli.cli.render_load import LoadView, trial_line
    from tickstock_cli.loadtest.capacity_search import CapacitySearch
    from tickstock_cli.loadtest.observation import SearchTrial

    with _progress(options) as progress:

        def tell(trial: SearchTrial) -> None:
            if isinstance(progress, LoadView):
                progress.note(trial_line(trial))
            else:
                typer.echo(trial_line(trial), err=True)

        search = CapacitySearch(options, progress, tell)
        with stop_on_interrupt(search):
            seen = search.run()
    return seen, None


@contextmanager
def _progress(options: LoadTestOptions) -> Iterator[LoadTestProgress]:
    """Yield a dashboard on a terminal, and a silent progress elsewhere."""
    from tickstock_cli.loadtest.orchestrator import SilentProgress

    if not sys.stderr.isatty():
        yield SilentProgress()
        return
    from rich.console import Console

    from tickstock_cli.cli.render_load import LoadView

    with LoadView(options.name, options.speed, Console(stderr=True)) as view:
        yield view


def _deliver(seen: Observation, out: Path | None, as_json: bool) -> Result:
    """Judge an observation, and print and write its result."""
    from tickstock_cli.loadtest.result import judged, verdicts_json

    result = judged(seen)
    if as_json:
        typer.echo(verdicts_json([result], [str(out) if out is not None else seen.name]))
    else:
        from tickstock_cli.cli.console import data_console
        from tickstock_cli.cli.render_result import result_view

        data_console().print(result_view(result))
    if out is not None:
        from tickstock_cli.loadtest.result_folder import REPORT, write_result

        write_result(result, out)
        typer.echo(f"wrote {out / REPORT}", err=True)
    return result


def _judge(result: Result, crash: str | None) -> None:
    """Raise the error of a run that failed, if it did.

    Raises
    ------
    InterruptedRunError
        The user interrupted the run.
    TickstockError
        A process crashed.
    ThresholdError
        A threshold was missed.
    """
    from tickstock_cli.loadtest.orchestrator import INTERRUPTED

    seen = result.observation
    if seen.aborted == INTERRUPTED:
        raise InterruptedRunError(f"stopped after {len(seen.seconds):,} s; figures cover the time before")
    if crash is not None:
        raise TickstockError(crash)
    if not result.passed:
        names = ", ".join(verdict.name for verdict in result.failures)
        raise ThresholdError(f"{result.headline.rstrip('.')} ({names})")
