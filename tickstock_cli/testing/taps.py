"""The contract of taps as a battery of tests.

In a test module, pytest runs the methods of a subclass:

    class TestPhases(TapContract):
        tap = PhaseCounts
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tickstock_cli.engine.checkpoint import CheckpointStore
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.observer import Observer
from tickstock_cli.engine.taps import Tap, TapContext, TapStep
from tickstock_cli.errors import DataError, FailedOutputsError, OutputError
from tickstock_cli.runtime.opening import PipelineName
from tickstock_cli.testing.markets import market_records
from tickstock_cli.testing.raising import raises
from tickstock_cli.testing.records import Record, run_records

ROWS = 300

WAYS: tuple[dict[str, Any], ...] = (
    {"batch_rows": 1},
    {"batch_rows": 37, "workers": 2},
    {"batch_rows": 100, "pipeline": PipelineName.LINEAR},
    {"batch_rows": 50, "pipeline": PipelineName.MULTI},
    {"batch_rows": 50, "pipeline": PipelineName.ROLLOUT},
)
"""Ways of rows to a tap; each with a market of its own."""


class TapContract:
    """The contract of every tap: its result depends only on the rows and events of a run."""

    tap: type[Any]
    """The class, which is derived from `engine.taps.Tap` and built as ``tap(target)``; targets are paths of files."""

    def result(self, tap: Tap, folder: Path) -> Any:
        """Return the result of a tap at the end of a run: its files, or its state if it writes none.

        Override it if arrays have spare room, or if the result is something else.
        """
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
        return files or {name: array.tobytes() for name, array in tap.state().items()}

    def test_it_declares_what_it_is(self) -> None:
        """Methods that it does not need are those of the base class; its docstring describes it."""
        assert issubclass(self.tap, Tap), "derive the class from engine.taps.Tap"
        assert self.tap.__doc__, "the class needs a docstring"

    def test_how_rows_get_to_it_changes_no_result(self) -> None:
        """Batch size, workers and pipeline do not change the result."""
        for seed, how in enumerate(WAYS):
            whole = self._whole(seed)
            assert whole, "the tap has no result on this market; override result()"
            assert self._whole(seed, **how) == whole, f"another result with {how}"

    def test_state_saved_and_restored_in_the_middle_changes_nothing(self) -> None:
        """A run that is stopped and resumed gives the result of one that was not."""
        for seed in range(3):
            control = Control()
            with self._folder() as (folder, stopped), TemporaryDirectory() as kept:
                store = CheckpointStore(Path(kept), {})
                observer = _Stop(control, ROWS // 2)
                run_records(
                    _market(seed), batch_rows=41, control=control, observer=observer, store=store, taps={"it": stopped}
                )
                for path in folder.iterdir():
                    path.unlink()
                resumed = self._new(folder)
                run_records(_market(seed), store=CheckpointStore(Path(kept), {}), resume=True, taps={"it": resumed})
                assert self.result(resumed, folder) == self._whole(seed)

    def test_restoring_nothing_is_a_beginning(self) -> None:
        """A seek to a time before the first snapshot restores a tap from no state, and its rows come again."""
        with self._folder() as (folder, tap):
            run_records(_market(0), batch_rows=50, taps={"it": _Rewound(tap)})
            assert self.result(tap, folder) == self._whole(0)

    def test_rows_and_events_stay_as_they_are(self) -> None:
        """The arrays of a step belong to the run and to other taps."""
        with self._folder() as (_, tap):
            watched = _Watched(tap)
            run_records(_market(0), batch_rows=50, taps={"it": watched})
            assert watched.changed == []

    def test_nothing_is_left_of_a_run_that_failed(self) -> None:
        """No output of a failed run remains; ``abort`` is idempotent."""
        with self._folder() as (folder, tap):
            with raises(DataError, "the recording is damaged"):
                run_records(_market(0), batch_rows=50, taps={"it": tap, "fails": _Fails(ROWS // 2)})
            tap.abort()
            assert list(folder.iterdir()) == []
        with self._folder() as (folder, tap):
            with raises(DataError, "the recording is damaged"):
                run_records(_market(0), taps={"it": tap, "fails": _FailsAtTheEnd()})
            assert list(folder.iterdir()) == []

    def test_a_failure_of_another_output_changes_nothing(self) -> None:
        """A full disk under another output costs only that one."""
        whole = self._whole(0)
        with self._folder() as (folder, tap):
            with raises(FailedOutputsError, "the disk is full"):
                run_records(_market(0), taps={"it": tap, "full": _FullDisk()})
            assert self.result(tap, folder) == whole

    def _new(self, folder: Path) -> Tap:
        tap: Tap = self.tap(str(folder / "output"))
        return tap

    @contextmanager
    def _folder(self) -> Iterator[tuple[Path, Tap]]:
        with TemporaryDirectory() as name:
            yield Path(name), self._new(Path(name))

    def _whole(self, seed: int, **how: Any) -> Any:
        with self._folder() as (folder, tap):
            run_records(_market(seed), taps={"it": tap}, **how)
            return self.result(tap, folder)


def _market(seed: int) -> list[Record]:
    """Return a market of all record types."""
    fair = market_records("fmv", seed, ROWS)
    return [*fair, *market_records("ohlcv", seed, ROWS // 3)]


class _Stop(Observer):
    def __init__(self, control: Control, rows: int) -> None:
        self._control = control
        self._rows = rows

    def advanced(self, rows: int, market_time: int) -> None:  # noqa: ARG002 - the observer's
        if rows >= self._rows:
            self._control.stop()


class _Fails(Tap):
    """Fails in the middle of a run."""

    def __init__(self, rows: int) -> None:
        self._left = rows

    def observe(self, step: TapStep) -> None:
        self._left -= len(step.rows)
        if self._left < 0:
            raise DataError("the recording is damaged")


class _FailsAtTheEnd(Tap):
    """Fails when all outputs are finished, the last of them."""

    def observe(self, step: TapStep) -> None:
        pass

    def finish(self) -> None:
        raise DataError("the recording is damaged")


class _FullDisk(Tap):
    """Fails as an output does."""

    def observe(self, step: TapStep) -> None:  # noqa: ARG002 - a tap's
        raise OutputError("cannot write study.parquet: the disk is full")


class _Around(Tap):
    """A tap that passes all calls to another."""

    def __init__(self, tap: Tap) -> None:
        self._tap = tap

    def begin(self, context: TapContext) -> None:
        self._tap.begin(context)

    def observe(self, step: TapStep) -> None:
        self._tap.observe(step)

    def finish(self) -> None:
        self._tap.finish()

    def commit(self) -> None:
        self._tap.commit()

    def abort(self) -> None:
        self._tap.abort()


class _Watched(_Around):
    """Records the changes that a tap makes to a step."""

    def __init__(self, tap: Tap) -> None:
        super().__init__(tap)
        self.changed: list[str] = []

    def observe(self, step: TapStep) -> None:
        before = _bytes_of(step)
        super().observe(step)
        self.changed += [name for name, content in _bytes_of(step).items() if content != before[name]]


class _Rewound(_Around):
    """Restores a tap to its beginning after the third step."""

    def __init__(self, tap: Tap) -> None:
        super().__init__(tap)
        self._steps: list[TapStep] = []

    def observe(self, step: TapStep) -> None:
        self._steps.append(step)
        super().observe(step)
        if len(self._steps) == 3:
            self._tap.restore({})
            for earlier in self._steps:
                super().observe(earlier)


def _bytes_of(step: TapStep) -> dict[str, bytes]:
    """Return the contents of all arrays of a step, by name."""
    found = {"events": step.events.tobytes()}
    for record, judged in step.rows.by_record().items():
        for owner in (judged, judged.rows):
            for name in owner.__dataclass_fields__:
                if name != "rows":
                    found[f"{record}.{name}"] = getattr(owner, name).tobytes()
    return found
