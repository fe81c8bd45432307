"""The base of sources' settings: a section of the configuration under the source's name."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class SourceParams(BaseModel):
    """Frozen; unknown keys are errors; every field has a default."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
