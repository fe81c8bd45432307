"""The VWAP cross detector: the battery of the test kit, and one story."""

from __future__ import annotations

from tickstock_vwap.vwap_cross import VwapCross

from tickstock_cli.testing import SECOND, Tick, new_york, run_records
from tickstock_cli.testing.detectors import DetectorContract

START = new_york("2024-06-12", "10:00:00")


class TestVwapCross(DetectorContract):
    """Everything that tickstock asks of a detector."""

    detector = VwapCross
    params = {"min_trades": 3, "min_distance_percent": 0.01}


def test_a_price_that_moves_over_vwap_is_told_with_vwap() -> None:
    """Three trades around 100, one below and one above: the last one crosses."""
    prices = (100.0, 100.0, 100.0, 99.0, 101.0)
    rows = [Tick("ABC", START + place * SECOND, price, 100) for place, price in enumerate(prices)]
    detector = VwapCross, VwapCross.Params(min_trades=3)

    (event,) = run_records(rows, {"detectors.enabled": ["fmv"]}, detectors={"vwap_cross": detector}).events

    assert (event["kind"], event["price"], round(event["vwap"], 2)) == ("vwap_cross_up", 101.0, 100.0)
