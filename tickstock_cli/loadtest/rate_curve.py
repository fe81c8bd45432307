"""Rates over time: constant, or a linear or exponential ramp."""

from __future__ import annotations

import math
import re
from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from tickstock_cli.config.section import Section

Shape = Literal["linear", "exponential"]

MAX_RATE = 4_000_000
"""Rows a second; the limit of the synthetic market."""

_A_MINUTE = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*min")


class RateCurve(Section):
    """Rows a second during a stage; a number or a text such as "8000/min" is a constant rate."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)

    begin: float = Field(alias="from", ge=0, le=MAX_RATE, description="rows a second at the stage's beginning")
    end: float = Field(alias="to", ge=0, le=MAX_RATE, description="rows a second at its end")
    shape: Shape = Field(
        default="linear", description="shape of the ramp: linear, or exponential (a constant factor a second)"
    )

    @model_validator(mode="before")
    @classmethod
    def _a_number_is_constant(cls, value: Any) -> Any:
        if isinstance(value, str):
            match = _A_MINUTE.fullmatch(value)
            if match is None:
                raise ValueError('must be a number of rows a second, or a text such as "8000/min"')
            value = float(match[1]) / 60
        if isinstance(value, int | float) and not isinstance(value, bool):
            return {"from": value, "to": value}
        return value

    @model_validator(mode="after")
    def _a_factor_needs_rates_above_0(self) -> Self:
        if self.shape == "exponential" and not (self.begin > 0 and self.end > 0):
            raise ValueError("an exponential ramp goes between rates above 0; write 1 instead of 0, or take linear")
        return self

    @property
    def most(self) -> float:
        """The greatest rate."""
        return max(self.begin, self.end)

    def at(self, passed: float, length: float) -> float:
        """Return the rate after ``passed`` of the stage's ``length`` seconds."""
        share = passed / length
        if self.shape == "linear" or self.begin == self.end:
            return self.begin + (self.end - self.begin) * share
        return float(self.begin * (self.end / self.begin) ** share)

    def rows(self, passed: float, length: float) -> float:
        """Return the rows due after ``passed`` of ``length`` seconds: the integral of the rate."""
        if self.shape == "linear" or self.begin == self.end:
            return (self.begin + self.at(passed, length)) / 2 * passed
        return (self.at(passed, length) - self.begin) * length / math.log(self.end / self.begin)

    def scaled(self, factor: float, most: float = MAX_RATE) -> RateCurve:
        """Return this curve ``factor`` times as high, limited to ``most``."""
        return RateCurve(begin=min(self.begin * factor, most), end=min(self.end * factor, most), shape=self.shape)
