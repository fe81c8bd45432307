"""A small settings model of the tests' own, so that they do not move with the detectors."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tickstock_cli.config.settings import settings_model


class Params(BaseModel):
    """Settings of a detector of waves."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    cooldown_seconds: float = Field(default=20, ge=0, description="quiet time after an event")
    windows_seconds: tuple[int, ...] = Field(default=(180, 360), min_length=1, description="windows")
    weights: tuple[float, ...] = Field(default=(0.5, 0.5), description="weight of each window")

    @model_validator(mode="after")
    def _one_weight_a_window(self) -> Self:
        if len(self.weights) != len(self.windows_seconds):
            raise ValueError(f"needs one weight a window, weights were {self.weights}")
        return self


MODEL = settings_model({"wave": Params})
