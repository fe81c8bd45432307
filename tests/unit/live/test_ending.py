"""The end of a live run: its time, or somebody who asks."""

from __future__ import annotations

from threading import Event

from tickstock_cli.live.ending import LiveEnd

NOW = 1_700_000_000_000_000_000


def test_a_run_whose_time_is_up_ends_its_feed() -> None:
    """`--duration` ends the feed, so that what was received is processed."""
    ended = Event()
    end = LiveEnd(NOW + 20_000_000, lambda: NOW)
    end.feed_opened(ended.set)

    # The clock above stands still: after the first wait the time is not up yet, and the end looks again.
    assert not ended.wait(0.1)
    end.close()

    late = LiveEnd(NOW, lambda: NOW + 1)
    late.feed_opened(ended.set)
    assert ended.is_set()


def test_a_duration_counts_from_when_the_feed_is_opened() -> None:
    """A first run compiles for half a minute, and a restart replays its recording: `--duration 10s` is of the feed."""
    ended, now = Event(), [NOW]
    end = LiveEnd(None, lambda: now[0], duration_ns=20_000_000)
    now[0] += 60 * 1_000_000_000
    end.feed_opened(ended.set)
    assert not ended.is_set()
    now[0] += 20_000_000
    assert ended.wait(60)


def test_an_end_that_is_asked_for_before_the_feed_is_open_ends_it_then() -> None:
    """Ctrl-C during the warm-up must not be lost."""
    ended = Event()
    end = LiveEnd(None, lambda: NOW)
    end.stop()
    assert end.asked
    end.feed_opened(ended.set)
    assert ended.is_set()


def test_a_run_without_an_end_goes_on_until_it_is_asked() -> None:
    """A closed end calls nothing."""
    calls: list[str] = []
    end = LiveEnd(None, lambda: NOW)
    end.feed_opened(lambda: calls.append("ended"))
    assert calls == []
    end.stop()
    assert calls == ["ended"]
