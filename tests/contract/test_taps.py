"""The contract of taps: the page's price line keeps it, and the battery notices a tap that does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tickstock_cli.engine.taps import Tap, TapStep
from tickstock_cli.runtime.prices import PriceTap
from tickstock_cli.testing.taps import TapContract


class TargetedPrices(PriceTap):
    """The price lines of a run, built as a plugin's tap is."""

    def __init__(self, target: str) -> None:  # noqa: ARG002 - it writes no file
        super().__init__()


class TestPrices(TapContract):
    """The battery."""

    tap = TargetedPrices

    def result(self, tap: Tap, folder: Path) -> Any:  # noqa: ARG002 - it writes no file
        """Return the lines of all tickers: the arrays of its state have spare room."""
        assert isinstance(tap, PriceTap)
        lines = {ticker: tap.prices(ticker) for ticker in ("AAPL", "BRK.B", "Zürich", "aapl")}
        return {ticker: (line.times, line.prices) for ticker, line in lines.items() if line.times}


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
