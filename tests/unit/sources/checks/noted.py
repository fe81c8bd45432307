"""What the checks say of recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.recordings import Recordings


def noted(path: Path, **options: Any) -> str:
    """Return all that the checks found in a file, before and after it was read."""
    with Recordings.open([path], ReadOptions(**options)) as recordings:
        for _ in recordings.batches(1_000):
            pass
        return "\n".join(map(str, recordings.oddities(0)))
