"""Every tap keeps the contract that plugins are held to, and the battery notices one that does not."""

from __future__ import annotations

from hashlib import sha256
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import pytest

import tickstock_cli
from tickstock_cli.backtest.price_source import PriceSource
from tickstock_cli.backtest.strategies import NamedStrategy
from tickstock_cli.backtest.tap import BacktestTap
from tickstock_cli.build import settings_model
from tickstock_cli.config.strategy_file import strategy_of
from tickstock_cli.engine.tap_thread import TapThread
from tickstock_cli.engine.taps import TAPS, Tap, TapStep
from tickstock_cli.recording.recorder import Recorder
from tickstock_cli.review.explain_tap import ExplainTap
from tickstock_cli.runtime.prices import PriceTap
from tickstock_cli.testing.taps import TapContract


class TargetedPrices(PriceTap):
    """The price lines of a run, built as a plugin's tap is."""

    def __init__(self, target: str) -> None:  # noqa: ARG002 - it writes no file
        super().__init__()


class TargetedBacktest(BacktestTap):
    """A study and a strategy that follows every event, built as a plugin's tap is."""

    records: Path
    """Folder of the record files: a resumed run finds them there, as in the folder of its checkpoint."""

    def __init__(self, target: str) -> None:
        follow = NamedStrategy(strategy_of({"strategy": {"name": "follow"}, "enter": [{}]}))
        folder = self.records / sha256(target.encode()).hexdigest()
        super().__init__(settings_model()(), PriceSource(is_bars=False), folder, strategies=[follow])

    def found(self) -> dict[str, str]:
        """Return a digest of all records by table."""
        (traded,) = self.traded
        observed = {f"observations {place}": file for place, file in enumerate(self.observations.files)}
        files = {**observed, **traded}
        return {name: sha256(file.read().tobytes()).hexdigest() for name, file in files.items()}


class ThreadedBacktest(TapThread):
    """The same in a thread of its own, as a backtest runs it."""

    def __init__(self, target: str) -> None:
        inner = TargetedBacktest(target)
        super().__init__(inner)
        self.found = inner.found


UNNAMED: dict[str, type[Tap]] = {
    "the page's price line": TargetedPrices,
    "a backtest": TargetedBacktest,
    "a backtest in a thread": ThreadedBacktest,
}
"""Taps of the project that no user names, built as a plugin's are."""

NOT_HELD = {ExplainTap, Recorder}
"""Taps of one run that no user resumes or seeks in: `explain` reads its run to the end, and a live run goes on.

What the recorder has written stays if its run fails, which tests/unit/recording holds.
"""


class TestEveryTap(TapContract):
    """The battery, for every line of the table, and for the taps that have none."""

    @pytest.fixture(params=[*TAPS.parts, *UNNAMED], autouse=True)
    def _choose(self, request: pytest.FixtureRequest) -> None:
        name = request.param
        self.tap = UNNAMED[name] if name in UNNAMED else TAPS.load_own(name)

    @pytest.fixture(autouse=True)
    def _keep_records(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(TargetedBacktest, "records", tmp_path, raising=False)

    def result(self, tap: Tap, folder: Path) -> Any:
        """Return the lines of all tickers, if they are what the tap has: the arrays of its state have spare room."""
        if isinstance(tap, TargetedBacktest | ThreadedBacktest):
            return tap.found()
        if not isinstance(tap, PriceTap):
            return super().result(tap, folder)
        lines = {ticker: tap.prices(ticker) for ticker in ("AAPL", "BRK.B", "Zürich", "aapl")}
        return {ticker: (line.times, line.prices) for ticker, line in lines.items() if line.times}


def test_no_tap_slips_past_the_battery() -> None:
    """A tap that is neither in the table nor named here would be held to nothing."""
    for module in walk_packages(tickstock_cli.__path__, "tickstock_cli."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    inherited = {tap for one in UNNAMED.values() for tap in one.__mro__}
    held = {*inherited, *NOT_HELD, *map(TAPS.load_own, TAPS.parts)}
    ours = {tap for tap in subclasses(Tap) if tap.__module__.startswith("tickstock_cli.")}

    assert {tap for tap in ours if not tap.__module__.startswith("tickstock_cli.testing.")} - held == set()


def subclasses(base: type[Tap]) -> set[type[Tap]]:
    """Return all classes that are derived from a class, at any distance."""
    return {found for one in base.__subclasses__() for found in (one, *subclasses(one))}


class CountsSteps(Tap):
    """Counts steps, of which the batch size decides, and rows; its counts are in no checkpoint."""

    def __init__(self, target: str) -> None:
        self._path = Path(target)
        self._steps = self._rows = 0

    def observe(self, step: TapStep) -> None:
        self._steps += 1
        self._rows += len(step.rows)

    def finish(self) -> None:
        self._path.write_text(f"{self._steps} {self._rows}")


@pytest.mark.parametrize(
    "test",
    [
        "test_how_rows_get_to_it_changes_no_result",
        "test_state_saved_and_restored_in_the_middle_changes_nothing",
        "test_restoring_nothing_is_a_beginning",
        "test_nothing_is_left_of_a_run_that_failed",
    ],
)
def test_the_tap_tests_find_a_tap_that_breaks_the_contract(test: str) -> None:
    """A battery that lets everything pass holds nothing."""
    battery = type("Battery", (TapContract,), {"tap": CountsSteps})()
    with pytest.raises(AssertionError):
        getattr(battery, test)()
