"""Options of `tickstock live` about the feed: what contradicts itself is one line, before any connection."""

from __future__ import annotations

from pathlib import Path
from signal import SIGINT

import pytest

from tests.cli.conftest import Here
from tests.cli.live_runs import ended, live

LIVE = ("live", "--url", "ws://127.0.0.1:9", "--symbols", "AAPL", "--json")


@pytest.mark.parametrize("channels", [(), ("--channels", "T"), ("--channels", "T,FMV")])
def test_channels_are_a_list_with_commas(
    channels: tuple[str, ...], here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is asked for, the key is what is missing."""
    for name in ("POLYGON_API_KEY", "MASSIVE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    result = here(*LIVE, *channels, "--bars-from-trades", "1s")

    assert result.returncode == 2
    assert "POLYGON_API_KEY" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_what_the_feed_says_is_told_once(tmp_path: Path) -> None:
    """Where no view shows the feed: a line for each lost connection, marked as the feed's."""
    with live("--url", "ws://127.0.0.1:9", "--symbols", "AAPL", folder=tmp_path) as process:
        assert process.stderr is not None
        said = [process.stderr.readline() for _ in range(3)]
        ended(process, SIGINT)

    assert process.returncode == 0
    assert all(line.startswith("feed: cannot connect to 127.0.0.1:9: connection refused; connecting") for line in said)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--bars-from-trades", "5s"), "--bars-from-trades must be 1s or 60s, was 5s"),
        (("--bars-from-trades", "1s", "--channels", "T,AM"), "leave AM out of the channels"),
        (("--bars-from-trades", "60s", "--channels", "FMV"), "add T to the channels"),
        (("--channels", "T,B"), "polygon.channels[1]"),
    ],
)
def test_channels_that_make_no_sense_are_refused(
    options: tuple[str, ...], words: str, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ticker has one kind of bars."""
    monkeypatch.setenv("POLYGON_API_KEY", "any")
    result = here(*LIVE, *options)

    assert result.returncode == 2
    assert words in result.stderr


@pytest.mark.parametrize("text", ["25:99", "tomorrow"])
def test_a_moment_that_is_none_is_refused_with_what_to_write(text: str, here: Here) -> None:
    """A live run has no recording whose date or zone could be meant."""
    result = here(*LIVE, "--until", text)

    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].endswith(
        "write a time of day such as 16:05, or a full one such as 2026-11-27T16:05 (no zone = that of the market)"
    )
