"""Charts of the report: what lies where on an axis."""

from __future__ import annotations

import pytest

from tickstock_cli.backtest.report.plot import Axis, Plot


@pytest.mark.parametrize(("value", "share"), [(10.0, 0.0), (15.0, 0.5), (20.0, 1.0), (9.0, 0.0), (21.0, 1.0)])
def test_values_outside_an_axis_stay_at_its_ends(value: float, share: float) -> None:
    """A label must not leave the chart."""
    assert Axis(10.0, 20.0).share(value) == share


def test_an_axis_of_one_value_has_it_in_the_middle() -> None:
    """A trade that ends with the print that opened it has no length."""
    assert Axis(7.0, 7.0).share(7.0) == 0.5
    drawn = Plot(Axis(0, 0, [(0.0, "09:30")]), Axis(1.0, 2.0), "Prices around the trade").html()
    assert 'style="left:50%">09:30' in drawn
