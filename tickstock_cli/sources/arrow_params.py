"""Settings of rows that come through a pipe, the section ``arrow``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tickstock_cli.sources.params import SourceParams


class ArrowParams(SourceParams):
    """How rows that come through a pipe are taken."""

    clock: Literal["auto", "rows", "wall"] = Field(
        default="auto",
        description="what market time passes by between rows: rows alone, or the wall clock; auto is the wall clock "
        "for rows that come in their own time, and rows alone for a recording that is piped in",
    )
    queue_rows: int = Field(
        default=262_144, ge=1, le=100_000_000, description="rows that may wait in memory; more wait on disk"
    )
    hold_back_ms: int = Field(
        default=5, ge=0, le=60_000, description="how long market time waits for rows on their way, in milliseconds"
    )
