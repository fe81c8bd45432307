"""Silence is judged by channel and phase: normal at night and for one ticker, a fault at noon with all of them."""

from __future__ import annotations

from tickstock_cli.core.calendar import CLOSED, OVERNIGHT, PRE, REGULAR
from tickstock_cli.testing import SECOND
from tickstock_cli.vendors.polygon.staleness import ChannelSilence, SilenceJudgement, SilenceLimits

LIMITS = SilenceLimits(10, 1_800)


def silence(*channels: str, phase: int = REGULAR) -> ChannelSilence:
    """Return the silence of channels that stream since 0."""
    judged = ChannelSilence(channels, LIMITS, lambda _: phase)
    judged.judge(0)
    judged.begin(0)
    return judged


def test_the_first_limit_is_an_alert_and_the_second_another_connection() -> None:
    """A feed can be mute for hours on a connection that answers pings."""
    judged = silence("T")

    assert judged.judge(9 * SECOND) is SilenceJudgement.NOTHING
    assert judged.judge(10 * SECOND) is SilenceJudgement.ALERT
    assert judged.silent == ("T",)
    assert judged.judge(15 * SECOND) is SilenceJudgement.NOTHING
    assert judged.judge(20 * SECOND) is SilenceJudgement.RECONNECT


def test_another_connection_is_due_at_most_once_in_ten_minutes() -> None:
    """A sparse subscription would be cut for ever otherwise."""
    judged = silence("T")
    asked = [at for at in range(1_300) if judged.judge(at * SECOND) is SilenceJudgement.RECONNECT]

    assert asked == [20, 620, 1_220]


def test_a_row_ends_the_silence() -> None:
    """The count begins anew."""
    judged = silence("T")
    judged.judge(10 * SECOND)
    judged.came("T", 11 * SECOND)

    assert judged.silent == ()
    assert judged.judge(20 * SECOND) is SilenceJudgement.NOTHING
    assert judged.judge(21 * SECOND) is SilenceJudgement.ALERT


def test_a_silent_channel_is_found_beside_one_that_streams() -> None:
    """Trades keep coming while minute bars have stopped; those are a minute apart at best."""
    judged = silence("T", "AM")
    for at in range(71):
        judged.came("T", at * SECOND)

    assert judged.judge(69 * SECOND) is SilenceJudgement.NOTHING
    assert judged.judge(70 * SECOND) is SilenceJudgement.ALERT
    assert judged.silent == ("AM",)


def test_half_an_hour_of_silence_at_night_is_an_alert() -> None:
    """The night trades, as slowly as the hours around the regular ones."""
    judged = silence("T", phase=OVERNIGHT)

    assert judged.judge(1_799 * SECOND) is SilenceJudgement.NOTHING
    assert judged.judge(1_800 * SECOND) is SilenceJudgement.ALERT


def test_silence_is_never_judged_while_the_market_is_closed() -> None:
    """And the hours of the night do not count once the morning begins."""
    phases = [CLOSED]
    judged = ChannelSilence(["T"], LIMITS, lambda _: phases[0])
    judged.begin(0)
    assert judged.judge(8 * 3_600 * SECOND) is SilenceJudgement.NOTHING

    phases[0] = PRE
    assert judged.judge(8 * 3_600 * SECOND + 1) is SilenceJudgement.NOTHING
    assert judged.judge((8 * 3_600 + 1_801) * SECOND) is SilenceJudgement.ALERT
