"""Base classes of the sections of settings."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A section: unknown keys are errors, values are frozen after loading."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class RunningSection(Section):
    """A section of the running system: it affects when and where rows are processed, not the events.

    A checkpoint can therefore be resumed with other values.
    """
