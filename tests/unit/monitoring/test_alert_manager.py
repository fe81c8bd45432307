"""The life of alerts: raised once, escalated, resolved after a while, and not repeated within the cooldown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.monitoring.making import NOON
from tickstock_cli.monitoring.alert_manager import AlertManager
from tickstock_cli.monitoring.alerts import AlertChange, AlertType, Finding, Severity
from tickstock_cli.testing import SECOND

WARNING, ERROR, CRITICAL = Severity.WARNING, Severity.ERROR, Severity.CRITICAL


def finding(severity: Severity = WARNING, subject: str = "tick-1") -> Finding:
    """Return a queue that is too full."""
    return Finding(AlertType.QUEUE_OVERFLOW, subject, severity, f"{subject}: {severity.label}")


class Watch:
    """A alert_manager of 60 s of cooldown, 10 s to resolution; notes what is told, at seconds of its own."""

    def __init__(self, history: int = 100) -> None:
        self.book = AlertManager(60 * SECOND, 10 * SECOND, history)

    def at(self, second: int, *findings: Finding) -> list[tuple[str, int]]:
        """Note findings, and return what is told: the change and the alert's number."""
        told = self.book.update(findings, second * SECOND, NOON + second * SECOND)
        return [(change.value, alert.number) for change, alert in told]


def test_a_lasting_condition_is_one_alert() -> None:
    """Not every second."""
    watch = Watch()

    assert watch.at(0, finding()) == [("raised", 1)]
    assert [watch.at(second, finding()) for second in range(1, 200)] == [[]] * 199
    assert [alert.seen_at - NOON for alert in watch.book.active] == [199 * SECOND]


def test_an_alert_is_resolved_after_a_time_without_its_condition() -> None:
    """A condition that flickers is one condition."""
    watch = Watch()
    watch.at(0, finding())
    assert watch.at(9) == []
    assert watch.at(10, finding()) == []
    assert watch.at(19) == []

    assert watch.at(20) == [("resolved", 1)]

    assert watch.book.active == ()
    (alert,) = watch.book.history
    assert alert.resolved_at == NOON + 20 * SECOND


def test_a_worse_severity_is_reported_and_a_better_one_is_not() -> None:
    """The alert shows how bad it is now, and how bad it was."""
    watch = Watch()
    watch.at(0, finding(WARNING))

    assert watch.at(1, finding(CRITICAL)) == [("escalated", 1)]
    assert watch.at(2, finding(ERROR)) == []
    assert watch.at(3, finding(CRITICAL)) == []

    watch.at(4, finding(WARNING))
    (alert,) = watch.book.active
    assert (alert.finding.severity, alert.worst) == (WARNING, CRITICAL)


def test_a_condition_within_the_cooldown_reopens_its_alert_silently() -> None:
    """Nobody wants to be woken every fifteen seconds; but it shows, with how often it came."""
    watch = Watch()
    watch.at(0, finding())
    assert watch.at(10) == [("resolved", 1)]

    assert watch.at(15, finding()) == []
    (alert,) = watch.book.active
    assert (alert.number, alert.times, alert.raised_at) == (1, 2, NOON)
    assert watch.at(30) == []  # what was not told to be back is not told to be over

    assert [alert.number for alert in watch.book.history] == [1]
    assert watch.book.active == ()


def test_a_condition_that_returns_worse_is_reported_at_once() -> None:
    """A cooldown hides repeats, not news."""
    watch = Watch()
    watch.at(0, finding(WARNING))
    watch.at(10)

    assert watch.at(15, finding(CRITICAL)) == [("raised", 1)]
    assert watch.at(25) == [("resolved", 1)]


def test_a_condition_that_returned_is_reported_after_the_cooldown() -> None:
    """Otherwise nobody would know of it for hours."""
    watch = Watch()
    watch.at(0, finding())
    watch.at(10)
    assert [watch.at(second, finding()) for second in (15, 40, 69)] == [[], [], []]

    assert watch.at(70, finding()) == [("raised", 1)]
    assert watch.at(71, finding()) == []
    assert watch.at(85) == [("resolved", 1)]


def test_a_condition_after_the_cooldown_is_a_new_alert() -> None:
    """Counted from the last word on it."""
    watch = Watch()
    watch.at(0, finding())
    watch.at(10)

    assert watch.at(70, finding()) == [("raised", 2)]
    assert [alert.number for alert in watch.book.history] == [1, 2]


def test_alerts_of_different_subjects_and_types_are_separate() -> None:
    """One channel's cooldown does not silence another."""
    watch = Watch()
    memory = Finding(AlertType.MEMORY_USAGE, "tick-1", ERROR, "memory")

    assert watch.at(0, finding(subject="tick-1")) == [("raised", 1)]
    assert watch.at(1, finding(subject="tick-1"), finding(subject="tick-2"), memory) == [("raised", 2), ("raised", 3)]
    assert [alert.number for alert in watch.book.active] == [3, 1, 2]  # worst first, then oldest


def test_the_history_is_bounded_and_an_active_alert_never_lost() -> None:
    """A system that flaps for weeks must not eat its memory, nor forget what is wrong."""
    watch = Watch(history=3)
    watch.at(0, finding(subject="old"))
    for step in range(1, 50):
        watch.at(step, finding(subject="old"), finding(subject=f"tick-{step}"))

    assert len(watch.book.history) == 3
    assert "old" in {alert.finding.subject for alert in watch.book.active}
    assert watch.at(200) != []
    assert watch.book.active == ()


@given(
    st.lists(
        st.tuples(st.integers(1, 30), st.none() | st.sampled_from([WARNING, ERROR, CRITICAL])), min_size=1, max_size=60
    )
)
def test_reported_and_present_conditions_agree_after_the_cooldown(looks: list[tuple[int, Severity | None]]) -> None:
    """Raised and resolved alternate; what is there and untold was told within the cooldown, and was no worse."""
    watch = Watch()
    second, believed, last_word, worst_told = 0, False, -1_000, 0
    for pause, severity in looks:
        second += pause
        for change, alert in watch.book.update(
            [finding(severity)] if severity else [], second * SECOND, NOON + second * SECOND
        ):
            assert (change is AlertChange.RAISED) != believed
            believed = change is not AlertChange.RESOLVED
            last_word = second
            worst_told = alert.finding.severity if change is not AlertChange.RESOLVED else worst_told
        if severity is not None and not believed:
            assert second - last_word < 60
            assert severity <= worst_told
        if believed:
            assert watch.book.active
