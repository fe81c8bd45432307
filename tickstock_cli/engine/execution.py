"""Execution of a request: its runs one after the other, up to the final names of its outputs.

1. If it resumes, core, taps, outputs and source are set to the checkpoint's position.
2. A run goes forward. A seek ends it: core, taps and counts are restored from the newest snapshot before the target,
   and the next run begins there. The core is a pure function, so repeated events are the same; outputs skip them.
3. At the end all windows close. A run that was stopped writes a last checkpoint and the events emitted so far; after
   a seek back it ends at the position of the furthest run.
4. The ledger must balance, and every output that has not failed gets its final name; after a failure of anything else
   none does.
"""

from __future__ import annotations

from dataclasses import replace

from tickstock_cli.core.ledger import Ledger
from tickstock_cli.core.peak_memory import peak_rss_bytes
from tickstock_cli.engine.coordinator import END_OF_TIME
from tickstock_cli.engine.output_states import OutputEnd, OutputReport, failed_outputs_error
from tickstock_cli.engine.pipeline import Drained
from tickstock_cli.engine.position import RunPosition
from tickstock_cli.engine.result import RunResult, SpeedFigures
from tickstock_cli.engine.run import Run, RunParts
from tickstock_cli.engine.snapshots import Snapshot
from tickstock_cli.engine.taps import TapContext
from tickstock_cli.errors import OutputError


def execute(parts: RunParts) -> RunResult:
    """Run to the end of the input, or until stopped.

    Raises
    ------
    DataError
        The recordings are unreadable or unsorted, or a row was rejected under ``strict``.
    FailedOutputsError
        Some outputs could not be written; the others are whole, and the error has the result.
    OutputError
        No output could be written.
    LedgerError
        A row or an event is unaccounted for.
    """
    try:
        result = Execution(parts).result()
    except BaseException:
        parts.outputs.abort()
        parts.taps.abort()
        if parts.rejects is not None:
            parts.rejects.abort()
        if parts.shadow is not None:
            parts.shadow.abort()
        raise
    finally:
        if parts.rejects is not None:
            parts.rejects.close()
    error = failed_outputs_error(result.reports, result)
    if error is not None:
        raise error
    return result


class Execution:
    """The runs of one request. Use ``result`` once."""

    def __init__(self, parts: RunParts) -> None:
        self._parts = parts
        self._retraced_ns = 0
        """Market time that a run passed and a later run passes again."""

    def result(self) -> RunResult:
        """Execute the request; see ``execute``."""
        parts = self._parts
        parts.core.judges_rows = parts.taps.need_rows
        parts.taps.begin(TapContext(parts.core.symbols, parts.outputs.encoder))
        start = self._begin()
        driver, requested = parts.ready_driver(), parts.control.speed
        begun = parts.clock.now()
        run, drained = self._run(start)
        end = run.position()
        seconds = (parts.clock.now() - begun) / 1e9
        market_ns = end.market_time - (start.market_time or end.first_time)
        moving = seconds - driver.paused_ns / 1e9
        return RunResult(
            parts.core.ledger,
            parts.outputs.tally,
            parts.outputs.digest.hexdigest(),
            end.rows - start.rows,
            market_ns / 1e9,
            seconds,
            peak_rss_bytes(),
            SpeedFigures(
                requested,
                (market_ns + self._retraced_ns) / 1e9 / moving if moving > 0 else 0.0,
                driver.lateness_ms(),
                parts.control.speed,
            ),
            self._interrupted,
            start.rows,
            drained,
            arrivals=driver.arrivals(),
            outputs=self._reports(),
            shadow=None if parts.shadow is None else parts.shadow.result(),
        )

    def _run(self, start: RunPosition) -> tuple[Run, Drained | None]:
        """Run and follow seeks to the end; return the last run, ended, and the rows drained."""
        run = Run(self._parts, start)
        while (target := run.execute()) is not None:
            run = self._seek(run, target)
        drained = run.settle()
        self._interrupted = self._parts.control.stopped or (drained is not None and drained.rows_dropped > 0)
        if self._interrupted:
            run = self._furthest(run)
        self._end(run)
        return run, drained

    def _begin(self) -> RunPosition:
        """Resume from a checkpoint, or begin anew; return the position of the first run."""
        parts = self._parts
        ledger = parts.core.ledger.as_dict()
        if parts.snapshots is not None:
            parts.snapshots.begin(ledger)
        if parts.store is None:
            return RunPosition(ledger=ledger, watermark=self._take_initial())
        if not (parts.options.resume and parts.store.has_checkpoint()):
            parts.store.begin()
            parts.outputs.listen(parts.store.keep_events)
            return RunPosition(ledger=ledger)
        state, position, tickers = parts.store.load()
        parts.source.symbols.add(tickers)
        parts.core.restore(state, Ledger(position.ledger))
        for batch in parts.store.kept_events():
            parts.outputs.write(batch)
        if parts.rejects is not None:
            for batch in parts.store.kept_rejects():
                parts.rejects.write_kept(batch)
        parts.outputs.drain()
        parts.outputs.listen(parts.store.keep_events)
        parts.taps.restore(state, parts.outputs.released)
        rejects = 0 if parts.rejects is None else parts.rejects.count
        return replace(position, events=parts.outputs.released, rejects=rejects)

    def _take_initial(self) -> int:
        """Set the core to the state that the run goes on from, if there is one; return its watermark."""
        initial = self._parts.initial
        if initial is None:
            return 0
        self._parts.source.symbols.add(initial.tickers)
        self._parts.core.restore(dict(initial.arrays), self._parts.core.ledger)
        if self._parts.shadow is not None and initial.shadow:
            self._parts.shadow.go_on_from(initial.shadow)
        return initial.floor

    def _seek(self, run: Run, target: int) -> Run:
        """Return the run that goes on to a market time: from the newest snapshot, or from here if that fails."""
        snapshots = self._parts.snapshots
        assert snapshots is not None  # without snapshots no seek ends a run
        state, here = run.settled()
        if self._parts.control.stopped:
            return Run(self._parts, here)
        try:
            if not run.is_behind():
                snapshots.move_frontier(state, here)
            return self._run_from(snapshots.before(target), here)
        except OutputError as error:  # the run is intact and goes on from here
            snapshots.report(str(error))
            self._parts.control.arrived(target)
            return Run(self._parts, here)

    def _furthest(self, run: Run) -> Run:
        """Return a run at the position of the furthest run: ``run`` itself without a seek back."""
        snapshots = self._parts.snapshots
        if snapshots is None or snapshots.frontier is None or not run.is_behind():
            return run
        return self._run_from(snapshots.frontier, run.position())

    def _run_from(self, snapshot: Snapshot, here: RunPosition) -> Run:
        """Restore every part from a snapshot; return the run that begins there."""
        parts, place, state = self._parts, snapshot.place, snapshot.state()
        ledger = Ledger(place.ledger)
        if state is None:
            parts.core.forget(ledger)
        else:
            parts.core.restore(state, ledger)
        parts.taps.restore(state or {}, place.events)
        if parts.shadow is not None:
            parts.shadow.restore(state or {})
        self._retraced_ns += here.market_time - (place.market_time or here.first_time)
        parts.outputs.rewind(place.events)
        if parts.rejects is not None:
            parts.rejects.rewind(place.rejects)
        return Run(parts, replace(place, first_time=place.first_time or here.first_time))

    def _end(self, run: Run) -> None:
        """Release the last events, check the ledger, and give every output its final name."""
        parts, core = self._parts, self._parts.core
        if self._interrupted:
            if parts.store is not None:
                run.save()
            run.end(core.interrupt(), run.position().watermark)
        else:
            run.end(core.finish(), END_OF_TIME)
        core.ledger.check()
        parts.outputs.check_emitted(core.ledger["coordinator.emitted"])
        self._finish_outputs()
        if parts.shadow is not None:
            parts.shadow.end(stopped=self._interrupted, keep_partial=parts.options.keep_partial)

    def _finish_outputs(self) -> None:
        """Commit every output that has not failed; all are finished before the first is committed."""
        parts, states = self._parts, self._parts.outputs.states
        how = {"stopped": self._interrupted, "keep_partial": parts.options.keep_partial}
        parts.outputs.finish()
        parts.taps.finish()
        if parts.rejects is not None:
            parts.rejects.finish()
        states.check()
        if parts.rejects is not None:
            parts.rejects.commit(**how)
        parts.taps.commit(**how)
        parts.outputs.commit(**how)
        states.check()

    def _reports(self) -> tuple[OutputReport, ...]:
        end = OutputEnd.PARTIAL if self._interrupted else OutputEnd.WRITTEN
        return tuple(state.report(end) for state in self._parts.outputs.states)
