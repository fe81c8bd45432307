"""`tickstock verify`: check that every mode of replay gives the same events."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tickstock_cli.cli.options import (
    ConfigFile,
    End,
    Json,
    Late,
    LateRows,
    MapColumns,
    Sets,
    Sort,
    Start,
    StoredPaths,
    Strategies,
    Symbols,
    TickerFromName,
    WhereValues,
    load_settings,
    parse_symbols,
    split_sets,
    unsorted_choice,
)
from tickstock_cli.core.counted import counted
from tickstock_cli.errors import ThresholdError, UsageError

if TYPE_CHECKING:
    from tickstock_cli.backtest.strategies import NamedStrategy
    from tickstock_cli.config.settings import Settings
    from tickstock_cli.core.stages import NamedSource
    from tickstock_cli.engine.result import RunResult
    from tickstock_cli.replaying import Request
    from tickstock_cli.review.verify import VariantResult, Verification


def verify(
    paths: StoredPaths,
    start: Start = None,
    end: End = None,
    symbols: Symbols = None,
    config: ConfigFile = None,
    sets: Sets = None,
    maps: MapColumns = None,
    where: WhereValues = None,
    ticker_from: TickerFromName = None,
    sort: Sort = False,
    late: LateRows = Late.FAIL,
    backtest: Annotated[
        bool, typer.Option("--backtest", help="Judge the events in each variant, too, and prove one digest of that.")
    ] = False,
    strategy: Strategies = None,
    as_json: Json = False,
) -> None:
    """Replay at several speeds, batch sizes and worker counts and prove one digest.

    Runs are also stopped and resumed from their checkpoint. Events, their digest, the ledger and the bytes of the
    Parquet file must be the same each time; if not, the exit code is 4. Large recordings are replayed whole where that
    is fast; tiny batches and pacing get a part of them.
    """
    from tickstock_cli.replaying import Request

    if strategy and not backtest:
        raise UsageError("--strategy needs --backtest: without it, nothing is traded")
    ours, theirs = split_sets(sets) if backtest else (sets, [])
    settings = load_settings(config, ours, maps, where, ticker_from).settings
    request = Request(
        paths=paths,
        settings=settings,
        start=start,
        end=end,
        symbols=parse_symbols(symbols),
        unsorted=unsorted_choice(sort, late),
    )
    verification = _run(request, _strategies(strategy or [], theirs, settings) if backtest else None)
    if as_json:
        typer.echo(json.dumps(_as_object(verification), indent=2, ensure_ascii=False))
    else:
        from tickstock_cli.cli.console import data_console
        from tickstock_cli.cli.render_review import verification_view

        data_console().print(verification_view(verification))
    if not verification.same:
        raise ThresholdError(_first_failure(verification))


def _strategies(targets: list[str], sets: list[str], settings: Settings) -> tuple[NamedStrategy, ...]:
    from tickstock_cli.backtest.strategies import named_strategies
    from tickstock_cli.build import event_kinds

    return named_strategies(targets, sets, [kind.name for kind in event_kinds(settings)])


def _run(request: Request, strategies: tuple[NamedStrategy, ...] | None) -> Verification:
    from tqdm import tqdm

    from tickstock_cli.cli.compiling import say_if_compiling
    from tickstock_cli.cli.notes import print_input_notes, print_notes_of, print_run_notes
    from tickstock_cli.review.verify import verify as run_verify

    say_if_compiling(request)
    told = print_notes_of(request)

    def tell(source: NamedSource, result: RunResult) -> None:
        print_input_notes(source, told)
        print_run_notes(request, source, result.ledger)

    with tqdm(desc="variants", unit="variant", file=sys.stderr, disable=not sys.stderr.isatty(), leave=False) as bar:

        def report(result: VariantResult, variants: int) -> None:
            bar.total = variants
            bar.set_postfix_str(result.variant.name, refresh=False)
            bar.update()

        return run_verify(request, report, strategies, tell)


def _first_failure(verification: Verification) -> str:
    failed = verification.failed
    first = failed[0]
    differs = "; ".join(first.differs)
    variants = counted(len(verification.variants), "variant")
    text = f"{len(failed)} of {variants} differ; first {first.variant.name!r}: {differs}"
    if first.difference is None:
        return text
    from tickstock_cli.cli.render_review import difference_line

    return f"{text}; first event: {difference_line(first.difference, 'the reference', 'this variant')}"


def _as_object(verification: Verification) -> dict[str, Any]:
    from tickstock_cli.cli.render_review import difference_object

    variants = []
    for result in verification.variants:
        rest = result.variant.resumed
        variants.append(
            {
                "name": result.variant.name,
                "scope": result.variant.scope.value,
                "batch_rows": result.variant.batch_rows,
                "workers": result.variant.workers,
                "speed": "max" if result.variant.speed is None else result.variant.speed,
                "pipeline": result.variant.pipeline.value,
                "stopped_at": result.stopped_at,
                "resumed": None if rest is None else {"batch_rows": rest.batch_rows, "workers": rest.workers},
                "rows": result.rows,
                "events": result.events,
                "digest": result.digest,
                **({} if result.backtest is None else {"backtest": result.backtest}),
                "seconds": result.seconds,
                "same": result.same,
                "differs": list(result.differs),
                "difference": None if result.difference is None else difference_object(result.difference),
            }
        )
    plugins = [plugin.as_dict() for plugin in verification.plugins]
    slice_words = verification.slice_words or None
    return {"same": verification.same, "slice": slice_words, "plugins": plugins, "variants": variants}
