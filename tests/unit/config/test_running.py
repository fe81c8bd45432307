"""Settings of the running system: their defaults, their bounds, and that none of them decides an event."""

from __future__ import annotations

import pytest

from tests.unit.config.sections import MODEL
from tickstock_cli.config.load import load
from tickstock_cli.config.settings import deciding_settings
from tickstock_cli.errors import SettingsError


def complaint(assignment: str) -> str:
    """Return the one line that an assignment ends in."""
    with pytest.raises(SettingsError) as caught:
        load(MODEL, file=None, environment={}, assignments=[assignment])
    return str(caught.value)


def test_queues_and_timeouts_are_those_of_the_rules() -> None:
    """1,000, 8,000 and 500 rows; 25, 50 and 50 ms."""
    settings = MODEL()
    channels = (settings.tick_channel, settings.ohlcv_channel, settings.fmv_channel)

    assert [channel.queue_rows for channel in channels] == [1_000, 8_000, 500]
    assert [channel.timeout_ms for channel in channels] == [25, 50, 50]


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        (
            "fmv_channel.batch_rows=501",
            "fmv_channel (in --set): a batch must fit into the queue: batch_rows 501 is above queue_rows 500",
        ),
        ("tick_channel.instances=65", "tick_channel.instances = 65 (in --set): must be less than or equal to 64"),
        ("tick_channel.batching=lazy", "tick_channel.batching = \"lazy\" (in --set): must be 'immediate', 'size'"),
        ("router.strategy=fastest", "router.strategy = \"fastest\" (in --set): must be 'health_based', 'hash_based'"),
        (
            "monitoring.queue_percent=[90, 75, 100]",
            "monitoring.queue_percent = [90, 75, 100] (in --set): must be three rising numbers: warning, error, ",
        ),
        (
            "monitoring.success_percent=[99]",
            "monitoring.success_percent = [99] (in --set): must be three falling numbers: warning, error, critical",
        ),
    ],
)
def test_a_value_out_of_range_is_an_error_of_one_line(assignment: str, expected: str) -> None:
    """Which key, which value, and what would be right."""
    assert complaint(assignment).startswith(expected)


def test_settings_of_the_running_system_change_no_event() -> None:
    """A checkpoint may be resumed with another queue; one taken under another rule may not."""
    assignments = ["tick_channel.queue_rows=5000", "router.strategy=random", "event_log.keep_mib=1"]
    default = deciding_settings(MODEL())

    assert deciding_settings(load(MODEL, file=None, environment={}, assignments=assignments).settings) == default
    other = load(MODEL, file=None, environment={}, assignments=["wave.cooldown_seconds=1"]).settings
    assert deciding_settings(other) != default
    assert [*default] == ["session", "guard", "coordinator", "priority", "detectors", "recordings", "live", "wave"]
