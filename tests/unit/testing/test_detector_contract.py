"""The battery of detectors fails for a detector that breaks a promise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.review.planted import Forgetful, Hiding
from tickstock_cli.detectors.highlow import HighLow
from tickstock_cli.testing.detectors import DetectorContract


class Shared(HighLow):
    """Counts its instances in the state of the next one."""

    instances = 0

    def grow(self, tickers: int) -> None:
        super().grow(tickers)
        Shared.instances += 1
        self._states["high_event_price"] = Shared.instances


class Silent(HighLow):
    """Reports nothing."""

    def scan(self, *_: Any) -> int:
        return 0


@pytest.mark.parametrize(
    ("detector", "test", "message"),
    [
        (Forgetful, DetectorContract.test_any_split_into_batches_gives_the_same_events, "other events in batches"),
        (Hiding, DetectorContract.test_state_saved_and_restored_in_the_middle_changes_nothing, "restored at"),
        (Shared, DetectorContract.test_a_detector_begins_empty_however_many_were_there_before, "depends on detectors"),
        (Silent, DetectorContract.test_the_markets_make_it_report_and_count_everything_it_declares, "never reported: "),
    ],
)
def test_a_detector_that_breaks_the_contract_is_found(
    detector: type[Any], test: Callable[[DetectorContract], None], message: str
) -> None:
    """One detector for each of the bugs that are made most often."""
    contract = DetectorContract()
    contract.detector = detector

    with pytest.raises(AssertionError, match=message):
        test(contract)
