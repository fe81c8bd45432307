"""A strategy is one TOML file; what is wrong with it is said in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tickstock_cli.config.strategy_file import load_strategy
from tickstock_cli.errors import SettingsError

WHOLE = """
[strategy]
latency_ms = 250
[[enter]]
kinds = ["surge"]
between = ["09:35", "15:30"]
[[enter]]
side = "fade"
[exit]
after = ""
stop_percent = 2
"""


def _file(folder: Path, text: str) -> Path:
    file = folder / "dip.toml"
    file.write_text(text)
    return file


def test_a_file_and_assignments_above_it_make_a_strategy(tmp_path: Path) -> None:
    """Keys may be written with or without the word strategy before their section."""
    given = ("strategy.exit.stop_percent=1", "exit.target_percent=3", "strategy.latency_ms=0", "enter.1.min_score=60")
    strategy = load_strategy(_file(tmp_path, WHOLE), given, kinds=("surge", "trend"))

    assert (strategy.name, strategy.strategy.latency_ms, strategy.strategy.cash) == ("dip", 0, 100_000)
    assert (strategy.exit.stop_percent, strategy.exit.target_percent, strategy.exit.after) == (1, 3, "")
    assert (strategy.enter[0].kinds, strategy.enter[1].side, strategy.enter[1].min_score) == (("surge",), "fade", 60)
    assert strategy.exit.session_end == "5m"


@pytest.mark.parametrize(
    ("text", "given", "message"),
    [
        ("[exits]", (), "unknown section exits (in FILE); did you mean exit?"),
        ("[exit]\nstop_procent = 1", (), "unknown key exit.stop_procent (in FILE); did you mean stop_percent?"),
        ("[[enter]]\nkind = ['surge']", (), "unknown key enter.0.kind (in FILE); did you mean kinds?"),
        ("[fill]\nstop_percent = 1", (), "unknown key fill.stop_percent (in FILE); did you mean exit.stop_percent?"),
        ("enter = 3", (), "enter (in FILE): must be a list of tables; write [[enter]]"),
        ("[exit]\nstop_percent = -1", (), "exit.stop_percent = -1 (in FILE): must be greater than or equal to 0"),
        (WHOLE, ("exit.stop_percent=x",), 'exit.stop_percent = "x" (in --set): must be a number'),
        (WHOLE, ("exit.stop_percent=true",), "exit.stop_percent = true (in --set): must be a number or a text"),
        (WHOLE, ("exit.stop=1",), "unknown key exit.stop (in --set); did you mean stop_percent?"),
        (WHOLE, ("enter.2.min_score=1",), "--set enter.2.min_score=1: there is no rule of entry 2; the first one is 0"),
        (WHOLE, ("size.rule=risk", "exit.stop_percent=0"), ('FILE: size.rule = "risk" needs a stop: set '
         "exit.stop_percent")),
        ("[[enter]]\nbetween = ['15:30', '09:35']", (), ('enter.0.between = ["15:30", "09:35"] (in FILE): must begin '
         "before it ends")),
        ("[exit]\nafter = 'soon'", (), ('exit.after = "soon" (in FILE): a duration must be a number above 0 with ms, '
         "s, m, h or d behind it, as in 1h, was soon; an empty text is off")),
        ("[exit]\nafter = '10001d'", (), ('exit.after = "10001d" (in FILE): must be at most 10000 d, was 10001d; an '
         "empty text is off")),
        ("[strategy]\ncash = 1e-7", (), "strategy.cash = 1e-07 (in FILE): must be greater than or equal to 0.01"),
        ("[[enter]]\nkinds = ['surges']", (), ("enter.0.kinds (in FILE): no kind of event named 'surges'; did you mean "
         "surge? (there are: surge, trend)")),
        ("[[enter]]\nsources = ['ticks']", (), ("enter.0.sources (in FILE): no source of events named 'ticks'; did you "
         "mean tick? (there are: tick, websocket, ohlcv, fmv, channel)")),
        ("[exit]", (), 'FILE has no rule of entry; write [[enter]] and below it, for example, kinds = ["surge"]'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, text: str, given: tuple[str, ...], message: str) -> None:
    """The file or flag, the key, the value, and what to do."""
    file = _file(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        load_strategy(file, given, kinds=("surge", "trend"))
    assert str(caught.value) == message.replace("FILE", str(file))


def test_a_file_that_is_not_there_or_no_toml_is_named(tmp_path: Path) -> None:
    """No traceback of a parser."""
    with pytest.raises(SettingsError, match=r"cannot read the strategy .*none.toml: no such file"):
        load_strategy(tmp_path / "none.toml")
    with pytest.raises(SettingsError, match=r"dip.toml is not TOML: "):
        load_strategy(_file(tmp_path, "[exit"))
