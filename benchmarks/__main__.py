"""`make bench`, or `python -m benchmarks`: measure, show, and write JSON."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import clients, flat_out, machine, memory, running, stages, startup
from benchmarks.figures import Section
from benchmarks.fresh import ROOT, plain_environment
from benchmarks.report import draw_machine, draw_section, write_json
from benchmarks.workloads import ROWS, SYMBOLS, WARM_UP, Market, cache_folder, prepare

QUICK_ROWS, HUGE_ROWS = 2_000_000, 100_000_000
ROUNDS, QUICK_ROUNDS = 5, 3
WIDTH = 110
STARTS_PER_ROUND = 3
"""Starting is quick and varies; it is measured more often."""


class Subject(StrEnum):
    """What can be measured by itself."""

    FLAT_OUT = "flat-out"
    STARTUP = "startup"
    STAGES = "stages"
    KERNELS = "kernels"
    RUNNING = "running"
    CLIENTS = "clients"


def bench(
    quick: Annotated[bool, typer.Option("--quick", help=f"{QUICK_ROWS:,} ticks, {QUICK_ROUNDS} rounds.")] = False,
    huge: Annotated[
        bool, typer.Option("--huge", help=f"Replay {HUGE_ROWS:,} ticks, too: minutes, and a GB of disk.")
    ] = False,
    rows: Annotated[int | None, typer.Option(min=1, help="Ticks.", show_default=f"{ROWS}")] = None,
    symbols: Annotated[int, typer.Option(min=1, help="Tickers.")] = SYMBOLS,
    rounds: Annotated[int | None, typer.Option(min=1, help="Repetitions.", show_default=f"{ROUNDS}")] = None,
    only: Annotated[list[Subject] | None, typer.Option(help="Measure only this. Repeatable.")] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Where to write figures.", show_default="in benchmarks/results")
    ] = None,
) -> None:
    """Measure speed and memory: ratios of one run, every subject in fresh processes, interleaved."""
    rows = rows or (QUICK_ROWS if quick else ROWS)
    rounds = rounds or (QUICK_ROUNDS if quick else ROUNDS)
    subjects = frozenset(only or Subject)
    if huge and Subject.FLAT_OUT not in subjects:
        raise typer.BadParameter("only flat-out replays more ticks; add --only flat-out", param_hint="--huge")
    market = Market(rows, symbols)
    longer = Market(HUGE_ROWS, symbols, all_feeds=False) if huge else None
    facts = machine.describe()
    name = "-".join([facts["commit"], str(rows), *sorted(set(only or ()))])
    path = json_file or ROOT / "benchmarks" / "results" / f"{name}.json"
    console, talk = Console(width=WIDTH), Console(stderr=True, soft_wrap=True)

    def announce(text: str) -> None:
        talk.print(text, style="dim", highlight=False)

    console.print(draw_machine(facts))
    sections: list[Section] = []
    write_json(path, facts, sections)  # a place that cannot be written is known before minutes were spent
    seconds = running.QUICK_SECONDS if quick else running.SECONDS
    for section in measure(subjects, market, longer, rounds, seconds, announce):
        console.print(draw_section(section))
        sections.append(section)
        facts["load after"] = machine.load()
        write_json(path, facts, sections)
    announce(f"load after: {facts['load after']}; the values of every round are in {path}")
    if Subject.KERNELS in subjects:
        run_kernels(market, path.with_suffix(".kernels.json"))


def measure(
    subjects: frozenset[Subject],
    market: Market,
    longer: Market | None,
    rounds: int,
    seconds: int,
    announce: Callable[[str], None],
) -> Iterator[Section]:
    """Return the sections of the subjects wanted, each as soon as it is measured."""
    prepare(WARM_UP, announce)
    if subjects & {Subject.FLAT_OUT, Subject.STAGES, Subject.KERNELS}:
        prepare(market, announce)
    if Subject.FLAT_OUT in subjects:
        samples = flat_out.measure(market, rounds, announce)
        yield flat_out.section(market, samples)
        yield memory.section(market, samples)
        if longer is not None:
            longer_samples = flat_out.measure(prepare(longer, announce), rounds, announce)
            yield flat_out.section(longer, longer_samples)
            yield memory.growth_section(market, samples, longer, longer_samples)
    if Subject.STARTUP in subjects:
        starts = startup.measure(startup.SAMPLE_DATA, STARTS_PER_ROUND * rounds, announce)
        yield startup.section(starts, startup.measure_first(startup.SAMPLE_DATA, announce))
    if Subject.STAGES in subjects:
        yield from stages.sections(market, stages.measure(market, rounds, announce))
    if Subject.RUNNING in subjects:
        yield running.section(running.measure(market.rows, rounds, seconds, announce), seconds)
    if Subject.CLIENTS in subjects:
        yield clients.section(clients.measure(rounds, announce))


def run_kernels(market: Market, json_file: Path) -> None:
    """Run the micro-benchmarks of the kernels on rows of a prepared market."""
    environment = plain_environment(
        BENCH_DIR=str(cache_folder()),
        BENCH_ROWS=str(market.rows),
        BENCH_SYMBOLS=str(market.symbols),
    )
    options = ["--benchmark-enable", "--benchmark-columns=median,min,max,rounds", "--benchmark-sort=name"]
    command = [sys.executable, "-m", "pytest", "--quiet", *options, f"--benchmark-json={json_file}", "benchmarks"]
    if subprocess.run(command, cwd=ROOT, env=environment).returncode:
        raise SystemExit("error: the micro-benchmarks failed")


if __name__ == "__main__":
    typer.run(bench)
