"""How an inspection says how long things take."""

from __future__ import annotations

import pytest

from tickstock_cli.cli.render_inspect import about


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.000012, "0.1 s"),
        (0.069062, "0.1 s"),
        (0.26, "0.3 s"),
        (2.0, "2 s"),
        (9.96, "10 s"),
        (16.129, "16 s"),
        (59.6, "1 min 0 s"),
        (3006.2, "50 min 6 s"),
        (57_550, "15 h 59 min"),
    ],
)
def test_lengths_of_time_are_as_exact_as_people_say_them(seconds: float, words: str) -> None:
    """An estimate with five digits is none."""
    assert about(seconds) == words
