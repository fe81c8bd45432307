"""Circuit breakers: what opens them, how long, and what closes them again."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.core.metrics import BreakerState, Transition
from tickstock_cli.runtime.breaker import TRANSITIONS_KEPT, BreakerLimits, CircuitBreaker
from tickstock_cli.testing import SECOND, ManualClock

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
LIMITS = BreakerLimits(failures_in_row=3, failure_share=0.5, window=10, open_ns=5 * SECOND, trials=2)


def opened(clock: ManualClock) -> CircuitBreaker:
    """Return a breaker that has just opened."""
    breaker = CircuitBreaker(LIMITS, clock)
    for _ in range(3):
        breaker.failed("no disk")
    return breaker


def test_failures_in_a_row_open_it() -> None:
    """The third failure without a success in between is one too many."""
    breaker = CircuitBreaker(LIMITS, ManualClock())
    breaker.failed()
    breaker.failed()
    breaker.succeeded()
    breaker.failed()
    breaker.failed()
    assert breaker.allows()

    breaker.failed()

    assert breaker.state is OPEN
    assert not breaker.allows()


def test_a_share_of_failures_opens_it_though_there_are_successes_between() -> None:
    """What fails two times out of three never fails three times in a row, and is broken all the same."""
    breaker = CircuitBreaker(LIMITS, ManualClock())
    outcomes = "FFS" * 3  # six of nine: not judged yet, the window holds ten
    for outcome in outcomes:
        breaker.failed() if outcome == "F" else breaker.succeeded()
    assert breaker.state is CLOSED

    breaker.failed()

    assert breaker.state is OPEN


def test_half_failures_are_not_more_than_half() -> None:
    """The share must be exceeded."""
    breaker = CircuitBreaker(LIMITS, ManualClock())
    for _ in range(20):
        breaker.failed()
        breaker.succeeded()

    assert breaker.state is CLOSED


@given(st.lists(st.booleans(), max_size=60))
def test_the_share_is_that_of_the_latest_outcomes(outcomes: list[bool]) -> None:
    """Counted along, it opens just where counting anew would open it."""
    limits = BreakerLimits(failures_in_row=1_000, failure_share=0.4, window=5, open_ns=SECOND, trials=1)
    breaker = CircuitBreaker(limits, ManualClock())
    for place, failed in enumerate(outcomes):
        breaker.failed() if failed else breaker.succeeded()
        latest = outcomes[max(0, place - 4) : place + 1]
        if failed and len(latest) == 5 and sum(latest) > 2:
            assert breaker.state is OPEN
            return
        assert breaker.state is CLOSED


def test_an_open_one_is_half_open_once_its_time_has_passed() -> None:
    """Nobody needs to ask for it: a router that waits for health sees it by looking."""
    clock = ManualClock()
    breaker = opened(clock)
    assert breaker.half_open_at == 5 * SECOND
    clock.advance(5 * SECOND - 1)
    assert breaker.state is OPEN

    clock.advance(1)

    assert breaker.state is HALF_OPEN
    assert breaker.half_open_at is None


def test_half_open_lets_through_its_trials_and_closes_when_all_succeed() -> None:
    """A bounded number: a flood would not be a trial."""
    clock = ManualClock()
    breaker = opened(clock)
    clock.advance(5 * SECOND)
    assert [breaker.allows() for _ in range(3)] == [True, True, False]

    breaker.succeeded()
    assert breaker.state is HALF_OPEN
    breaker.succeeded()

    assert breaker.state is CLOSED
    assert breaker.allows()


def test_one_failed_trial_opens_it_anew() -> None:
    """For another whole stretch, from the failure on."""
    clock = ManualClock()
    breaker = opened(clock)
    clock.advance(6 * SECOND)
    assert breaker.allows()
    breaker.failed("no disk yet")

    assert breaker.half_open_at == 11 * SECOND
    assert breaker.figures().opened == 2


def test_outcomes_that_come_late_do_not_touch_an_open_one() -> None:
    """Work allowed before the opening ends after it."""
    clock = ManualClock()
    breaker = opened(clock)
    clock.advance(SECOND)
    breaker.succeeded()
    breaker.failed()

    assert breaker.state is OPEN
    assert breaker.half_open_at == 5 * SECOND


def test_closing_resets_failures_in_a_row() -> None:
    """It takes as many failures as the first time."""
    clock = ManualClock()
    breaker = opened(clock)
    clock.advance(5 * SECOND)
    for _ in range(2):
        assert breaker.allows()
        breaker.succeeded()
    breaker.failed()
    breaker.failed()

    assert breaker.state is CLOSED


def test_after_closing_the_share_is_counted_anew() -> None:
    """Failures from before the opening must not open it a second time."""
    limits = BreakerLimits(failures_in_row=1_000, failure_share=0.5, window=4, open_ns=SECOND, trials=1)
    clock = ManualClock()
    breaker = CircuitBreaker(limits, clock)
    for _ in range(4):
        breaker.failed()
    assert breaker.state is OPEN
    clock.advance(SECOND)
    assert breaker.allows()
    breaker.succeeded()

    for outcome in "SSFF":  # two of four are not more than half
        breaker.failed() if outcome == "F" else breaker.succeeded()

    assert breaker.state is CLOSED


def test_every_transition_is_dated_and_says_why() -> None:
    """The history that alerts, metrics and pages show."""
    clock = ManualClock(7 * SECOND)
    breaker = opened(clock)
    clock.advance(60 * SECOND)
    for _ in range(2):
        assert breaker.allows()
        breaker.succeeded()

    assert breaker.figures().transitions == (
        Transition(7 * SECOND, CLOSED, OPEN, "3 failures in a row, the last: no disk"),
        Transition(12 * SECOND, OPEN, HALF_OPEN, "time to try again"),
        Transition(67 * SECOND, HALF_OPEN, CLOSED, "2 of 2 trials succeeded"),
    )


@given(
    st.lists(st.sampled_from(["fail", "pass", "wait"]), max_size=200),
    st.builds(
        BreakerLimits,
        failures_in_row=st.integers(1, 4),
        failure_share=st.sampled_from([0.0, 0.3, 1.0]),
        window=st.integers(1, 6),
        open_ns=st.just(5 * SECOND),
        trials=st.integers(1, 3),
    ),
)
def test_successes_close_a_breaker_in_any_state(actions: list[str], limits: BreakerLimits) -> None:
    """From any state, time and successes alone close it; its history stays bounded and connected."""
    clock = ManualClock()
    breaker = CircuitBreaker(limits, clock)
    for action in actions:
        clock.advance(SECOND)
        if action == "wait":
            clock.advance(5 * SECOND)
        elif action == "fail" and breaker.allows():
            breaker.failed()
        elif action == "pass" and breaker.allows():
            breaker.succeeded()
    clock.advance(5 * SECOND)
    while breaker.state is not CLOSED:
        assert breaker.allows()
        breaker.succeeded()

    transitions = breaker.figures().transitions
    assert len(transitions) <= TRANSITIONS_KEPT
    assert all(one.after is other.before for one, other in pairwise(transitions))
    assert [one.at for one in transitions] == sorted(one.at for one in transitions)
