"""The strategies under examples/ run on the sample, and give the same trades in every run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import run_tickstock

ROOT = Path(__file__).parents[2]
STRATEGIES = ROOT / "examples" / "strategies"


@pytest.mark.parametrize(("target", "name"), [("surge.toml", "surge"), ("reversal:FadeSurges", "FadeSurges")])
def test_an_example_trades_the_sample(target: str, name: str) -> None:
    """Signals, trades and money add up, and a position ends by one of the exits that the example has."""
    result = run_tickstock("backtest", ROOT / "sample_data", "--strategy", target, "--json", folder=STRATEGIES)
    assert result.returncode == 0, result.stderr
    (strategy,) = json.loads(result.stdout)["strategies"]

    assert strategy["name"] == name
    assert strategy["trades"] > 0
    assert strategy["cash_end_micros"] - strategy["cash_start_micros"] == strategy["net_micros"]
    assert set(strategy["figures"]["by_reason"]) <= {"stop", "target", "horizon", "session_end"}
    assert (
        sum(count for outcome, count in strategy["signals"].items() if outcome != "signals")
        == (strategy["signals"]["signals"])
    )
