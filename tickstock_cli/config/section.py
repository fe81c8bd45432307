"""What every section of the settings shares."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """No unknown keys, no change after loading."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class RunningSection(Section):
    """A section of the running system: when and where rows are processed, never what comes of them.

    Such settings change no event, so a checkpoint may be resumed under others.
    """
