"""`tickstock perf`: measure this version, compare it with others, and fail if it is worse."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tickstock_cli.cli.options import Json
from tickstock_cli.cli.steps import steps
from tickstock_cli.errors import ThresholdError

if TYPE_CHECKING:
    from tickstock_cli.measurement.machine import Machine
    from tickstock_cli.measurement.verdict import TargetVerdict
    from tickstock_cli.perf.benchmark_runs import Sample
    from tickstock_cli.perf.figures import Figures
    from tickstock_cli.perf.judging import Comparison
    from tickstock_cli.perf.measuring import Plan
    from tickstock_cli.perf.recording import Size

app = typer.Typer(
    help="Measure what this version costs, and keep worse ones out.", rich_markup_mode=None, add_completion=False
)

ROUNDS, QUICK_ROUNDS = 7, 5
SELF_TEST_PASSES = 10
NOT_IN_TURNS = "Not measured in turns: noise is what the base's own rounds differ by."

Quick = Annotated[bool, typer.Option("--quick", help="A smaller recording and fewer rounds: a first look.")]
Rounds = Annotated[
    int | None,
    typer.Option(min=1, help="Samples of each side.", show_default=f"{ROUNDS}, with --quick {QUICK_ROUNDS}"),
]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="BENCHMARK", show_default=False, help="Measure only this benchmark. Repeatable."),
]
Seed = Annotated[int, typer.Option(help="Draws the order of the sides in each round.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", show_default=False, help="Write result.json, summary.md and junit.xml here."),
]


@app.command(short_help="Measure this version.")
def run(
    out: Annotated[
        str, typer.Option("--out", metavar="FILE", help="Where figures go; - for standard output.")
    ] = "perf.json",
    history: Annotated[
        Path | None,
        typer.Option("--history", metavar="FILE", show_default=False, help="Add the medians to this history, too."),
    ] = None,
    quick: Quick = False,
    rounds: Rounds = None,
    only: Only = None,
) -> None:
    """Measure this version: decoding, merging, kernels, coordination, publishing, replay, pace, start and memory."""
    from tickstock_cli.measurement.documents import make_folder
    from tickstock_cli.perf import history as histories
    from tickstock_cli.perf.figures import write_figures

    for path in (None if out == "-" else Path(out), history):
        if path is not None:
            make_folder(path.parent)
    plan = _plan(quick, rounds, only, 1)
    figures = _measure(plan, _head_of(plan))
    if out == "-":
        typer.echo(json.dumps(asdict(figures), indent=2))
    else:
        write_figures(Path(out), figures)
        typer.echo(f"wrote {out}", err=True)
    if history is not None:
        histories.append(history, histories.entry_of(figures))


@app.command(short_help="Compare two files of figures.")
def compare(
    base: Annotated[
        Path, typer.Argument(metavar="BASE", show_default=False, help="Figures of tickstock perf run, to compare with.")
    ],
    head: Annotated[
        Path, typer.Argument(metavar="HEAD", show_default=False, help="Figures of tickstock perf run, to be judged.")
    ],
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Compare two files of figures of one machine; the exit code is 4 if the second is worse.

    The files were not measured in turns, so other work of the machine affects them; `perf gate --base REV` is less
    affected.
    """
    from tickstock_cli.perf.figures import check_alike, read_figures
    from tickstock_cli.perf.judging import compare as compare_samples

    _make_folder(out)
    before, after = read_figures(base), read_figures(head)
    check_alike(before, after)
    comparison = compare_samples(before.samples, after.samples)
    _tell_comparison(f"{head} against {base}", comparison, after.machine, [NOT_IN_TURNS], out, as_json)


@app.command(short_help="Measure this version beside a base, and fail if it is worse.")
def gate(
    base: Annotated[
        str,
        typer.Option(
            "--base",
            metavar="REV|FILE|NAME",
            show_default=False,
            help="A revision of this checkout, figures of perf run, or a baseline: speed, growth, stages, wire, "
            "soak, backtest, import, files, sprint_108, tickstock, or a file.",
        ),
    ],
    out: Out = None,
    quick: Quick = False,
    rounds: Rounds = None,
    only: Only = None,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """Measure this version beside a base, in turns and in fresh processes; the exit code is 4 if it is worse.

    The base is measured twice in every round: its difference from itself is the noise, the least difference that
    counts. A metric that looks worse is measured as often again. Needs no account and no token.
    """
    from tickstock_cli.measurement.machine import identity
    from tickstock_cli.perf.baselines import check_size, find_baseline, judge_limits
    from tickstock_cli.perf.figures import check_alike, read_figures
    from tickstock_cli.perf.gate import run_gate
    from tickstock_cli.perf.judging import compare as compare_samples
    from tickstock_cli.perf.sides import head, revision

    _make_folder(out)
    baseline = find_baseline(base)
    if baseline is not None:
        check_size(baseline, baseline.sizes()[quick])
        plan = _plan(quick, rounds, only or baseline.benchmarks(), seed, baseline.sizes())
        figures = _measure(plan, _head_of(plan))
        verdicts = judge_limits(baseline, figures.samples, quick=quick)
        _tell_limits(f"head against baseline {baseline.name}", verdicts, figures.machine, out, as_json)
    elif Path(base).is_file():
        before = read_figures(Path(base))
        plan = _plan(quick, rounds, only or tuple(before.samples), seed)
        after = _head_of(plan)
        check_alike(before, after)
        after = _measure(plan, after)
        comparison = compare_samples(before.samples, after.samples)
        _tell_comparison(f"head against {base}", comparison, after.machine, [NOT_IN_TURNS], out, as_json)
    else:
        side, machine = revision(base), identity()
        with steps() as announce:
            comparison, samples = run_gate(side, head(), _plan(quick, rounds, only, seed), announce)
        turns = max(len(taken) for taken in samples["head"].values())
        notes = [f"Measured in turns, {turns} rounds at most, the base twice in each for its noise."]
        _tell_comparison(f"head against {side.label}", comparison, machine, notes, out, as_json)


@app.command("self-test", short_help="Test that the gate fails if it should, and only then.")
def self_test(
    passes: Annotated[
        int, typer.Option(min=0, help="How often this version is compared with itself.")
    ] = SELF_TEST_PASSES,
    out: Out = None,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="Samples of each side.", show_default=f"{QUICK_ROUNDS}")
    ] = None,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """Test that the gate fails if it should, and only then; the exit code is 4 if it does not.

    A slowdown, a memory leak and wrong results are planted in this version, one at a time: the gate must find each.
    Then this version is compared with itself several times: each comparison must pass.
    """
    from tickstock_cli.measurement.machine import identity
    from tickstock_cli.perf.selftest import self_test as try_gate
    from tickstock_cli.perf.sides import head

    _make_folder(out)
    machine = identity()
    with steps() as announce:
        verdicts = try_gate(head(), _plan(True, rounds, None, seed), passes, announce)
    _tell_limits("the gate on trial", verdicts, machine, out, as_json)


@app.command(short_help="Draw a history of figures as one page.")
def history(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", show_default=False, help="What perf run --history has written.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The page to write.")] = Path("perf-history.html"),
) -> None:
    """Draw a history as one page that needs no network: a chart a metric, runs in their order."""
    from tickstock_cli.measurement.documents import write_file
    from tickstock_cli.perf.history import read, trend_page

    page = trend_page(read(file))
    write_file(out, page.encode())
    typer.echo(f"wrote {out}", err=True)


def _make_folder(out: Path | None) -> None:
    """Check before the measurement that the result can be written."""
    from tickstock_cli.measurement.documents import make_folder

    if out is not None:
        make_folder(out)


def _plan(
    quick: bool,
    rounds: int | None,
    only: Sequence[str] | None,
    seed: int,
    sizes: tuple[Size, Size] | None = None,
) -> Plan:
    from tickstock_cli.perf.measuring import Plan, check_benchmarks
    from tickstock_cli.perf.metrics import BENCHMARKS
    from tickstock_cli.perf.recording import SIZES, prepare

    size, benchmarks = (sizes or SIZES["usual"])[quick], tuple(dict.fromkeys(only or BENCHMARKS))
    check_benchmarks(benchmarks)
    return Plan(prepare(size), size, rounds or (QUICK_ROUNDS if quick else ROUNDS), benchmarks, seed)


def _head_of(plan: Plan) -> Figures:
    """Return the document of a measurement before its first sample."""
    from tickstock_cli.core.times import NS_PER_SECOND, format_time
    from tickstock_cli.measurement.machine import identity
    from tickstock_cli.perf.figures import FORMAT, Figures

    machine, created = identity(), format_time(time.time_ns() // NS_PER_SECOND * NS_PER_SECOND)
    label = f"tickstock {machine.packages['tickstock']} {machine.commit or ''}".strip()
    size = {name: float(value) for name, value in asdict(plan.size).items()}
    none: dict[str, list[Sample]] = {benchmark: [] for benchmark in plan.benchmarks}
    return Figures(FORMAT, label, created, machine, size, plan.recording.data_hash, plan.rounds, none)


def _measure(plan: Plan, figures: Figures) -> Figures:
    from tickstock_cli.perf.measuring import measure
    from tickstock_cli.perf.sides import head

    with steps() as announce:
        return replace(figures, samples=measure({"head": head()}, plan, announce)["head"])


def _tell_comparison(
    title: str, comparison: Comparison, machine: Machine, notes: Sequence[str], out: Path | None, as_json: bool
) -> None:
    from tickstock_cli.perf.judging import verdicts
    from tickstock_cli.perf.markdown import comparison_summary

    blind = comparison.blind()
    if blind:
        hidden = f"noise hides changes of {'; '.join(blind)}: measure on a quieter machine, or with more --rounds"
        notes = [*notes, f"Warning: {hidden}."]
        typer.echo(f"warning: {hidden}", err=True)
    summary = comparison_summary(title, comparison, machine, notes)
    _tell(title, summary, verdicts(comparison), machine, comparison.failed, out, as_json)


def _tell_limits(
    title: str, verdicts: Sequence[TargetVerdict], machine: Machine, out: Path | None, as_json: bool
) -> None:
    from tickstock_cli.perf.markdown import limits_summary

    failed = any(verdict.failed for verdict in verdicts)
    _tell(title, limits_summary(title, verdicts, machine), verdicts, machine, failed, out, as_json)


def _tell(
    title: str,
    summary: str,
    verdicts: Sequence[TargetVerdict],
    machine: Machine,
    failed: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Print the result, write its files, and raise an error if it failed.

    Raises
    ------
    ThresholdError
        It is no.
    """
    from tickstock_cli.measurement.documents import write_files
    from tickstock_cli.measurement.junit import junit
    from tickstock_cli.measurement.machine import facts

    document = {
        "title": title,
        "failed": failed,
        "verdicts": [asdict(verdict) for verdict in verdicts],
        "machine": asdict(machine),
    }
    text = json.dumps(document, indent=2, ensure_ascii=False)
    if as_json:
        typer.echo(text)
    else:
        from tickstock_cli.cli.console import data_console
        from tickstock_cli.cli.render_perf import answer

        data_console().print(answer(title, verdicts, failed))
    if out is not None:
        write_files(
            [
                (out / "result.json", f"{text}\n".encode),
                (out / "summary.md", summary.encode),
                (out / "junit.xml", lambda: junit("tickstock.perf", verdicts, properties=facts(machine))),
            ]
        )
        typer.echo(f"wrote {out}", err=True)
    if failed:
        names = ", ".join(verdict.title for verdict in verdicts if verdict.failed)
        raise ThresholdError(f"{title}: {names}")
