"""The control: what the user wants, from any thread."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread

import pytest

from tickstock_cli.engine.control import Control


def test_a_new_control_neither_stops_nor_pauses() -> None:
    """Neither paused nor stopped, at the speed it was given; flat out has none."""
    assert (Control(2).paused, Control(2).stopped, Control(2).speed) == (False, False, 2)
    assert Control().speed is None


@pytest.mark.parametrize(
    "subscription", [Control.stop, Control.toggle_pause, Control.step, lambda c: c.multiply_speed(2)]
)
def test_every_command_wakes_a_waiting_driver(subscription: Callable[[Control], None]) -> None:
    """A driver sleeps on ``changed`` until the next row is due."""
    control = Control(1)

    subscription(control)

    assert control.changed.is_set()


def test_a_step_pauses_and_is_used_up_once() -> None:
    """Pressed twice, two rows may pass."""
    control = Control(1)
    control.step()
    control.step()

    assert control.paused
    assert [control.take_step() for _ in range(3)] == [True, True, False]


def test_resuming_drops_unused_steps() -> None:
    """Or the next pause would begin with rows that come by themselves."""
    control = Control(1)
    control.step()
    control.step()
    control.toggle_pause()
    control.toggle_pause()

    assert control.paused
    assert not control.take_step()


def test_speed_stays_within_its_bounds() -> None:
    """However long a key is held down."""
    control = Control(1)
    for _ in range(100):
        control.multiply_speed(2)
    fastest = control.speed
    for _ in range(100):
        control.multiply_speed(0.5)

    assert (fastest, control.speed) == (1e6, 1e-3)


@pytest.mark.parametrize(
    ("speed", "factor", "then"), [(4e6, 2, 4e6), (4e6, 0.5, 2e6), (1e-5, 0.5, 1e-5), (1e-5, 2, 2e-5)]
)
def test_a_key_never_changes_the_speed_in_the_wrong_direction(speed: float, factor: float, then: float) -> None:
    """A run that was started beyond what keys reach is not slowed down by the key for faster."""
    control = Control(speed)
    control.multiply_speed(factor)

    assert control.speed == pytest.approx(then)


def test_flat_out_has_no_speed_to_change() -> None:
    """There is no schedule to change either."""
    control = Control()
    control.multiply_speed(2)

    assert control.speed is None


def test_steps_from_many_threads_are_all_counted() -> None:
    """Keys come from one thread and rows go through in another."""
    control = Control(1)

    def press_500_times() -> None:
        for _ in range(500):
            control.step()

    threads = [Thread(target=press_500_times) for _ in range(4)]
    for thread in threads:
        thread.start()
    taken = 0
    while taken < 2000:
        taken += control.take_step()
    for thread in threads:
        thread.join()

    assert not control.take_step()
