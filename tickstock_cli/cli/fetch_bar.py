"""Draws the fetching of objects from a store on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tickstock_cli.core.counted import counted
from tickstock_cli.storage.progress import Progress

_BAR = "{percentage:3.0f}% |{bar}| {desc}, {n_fmt} of {total_fmt}, {rate_fmt}, {remaining} left"

_SHOWN_AFTER_SECONDS = 0.5


@contextmanager
def fetch_bar(objects: int, size: int) -> Iterator[Progress]:
    """Show a bar on standard error, if it is a terminal, and remove it at the end."""
    from tqdm import tqdm

    tqdm.monitor_interval = 0
    words = f"fetching {counted(objects, 'object')}"
    with tqdm(
        desc=words,
        total=size,
        unit="B",
        unit_scale=True,
        file=sys.stderr,
        disable=not sys.stderr.isatty(),
        leave=False,
        delay=_SHOWN_AFTER_SECONDS,
        bar_format=_BAR,
    ) as bar:
        yield lambda done, whole: bar.update(done - bar.n)  # noqa: ARG005
