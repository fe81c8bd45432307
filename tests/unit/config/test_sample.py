"""The commented file is made from the models, so it says what they say."""

from __future__ import annotations

import tomllib

from pydantic import BaseModel, Field

from tests.unit.config.sections import MODEL
from tickstock_cli.config.sample import describe_bounds, render_sample
from tickstock_cli.config.settings import setting_keys


def test_the_sample_changes_nothing_as_it_is() -> None:
    """Sections are empty until a line is uncommented, so later defaults still reach the user."""
    sections = tomllib.loads(render_sample(MODEL))

    assert list(sections) == list(MODEL.model_fields)
    assert not any(sections.values())


def test_the_sample_uncommented_is_the_defaults() -> None:
    """Every key stands there once, with its default."""
    lines = [line[1:] if line[:1] == "#" and line[1:2] != " " else line for line in render_sample(MODEL).splitlines()]

    settings = MODEL.model_validate(tomllib.loads("\n".join(lines)))

    assert settings == MODEL()
    assert len([line for line in lines if " = " in line and not line.startswith("#")]) == len(setting_keys(MODEL))


def test_the_sample_tells_meaning_and_bounds() -> None:
    """Above each key stands what it does and what it takes."""
    sample = render_sample(MODEL)

    assert "# quiet time after an event (number, at least 0)\n#cooldown_seconds = 20\n" in sample
    assert max(map(len, sample.splitlines())) <= 101


def test_bounds_are_said_in_words() -> None:
    """Types, choices and limits, as short as can be."""

    class Bounded(BaseModel):
        rate: float = Field(default=0.5, gt=0, le=1)
        names: tuple[str, ...] = Field(default=("a",), min_length=1)
        count: int = Field(default=100_000, lt=10_000_000)
        on: bool = True

    words = {name: describe_bounds(field) for name, field in Bounded.model_fields.items()}

    assert words == {
        "rate": "number, above 0, at most 1",
        "names": "list of text, not empty",
        "count": "whole number, below 10000000",
        "on": "true or false",
    }
