"""Names of the phases of a trading day. Their order is that of their codes, which only grows at its end."""

from __future__ import annotations

from typing import Literal, get_args

Phase = Literal["pre", "regular", "post", "closed", "overnight"]
PHASES: tuple[Phase, ...] = get_args(Phase)
