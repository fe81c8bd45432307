"""From a target a user named to the sink that writes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from tickstock_cli.core.events import EVENT_SCHEMA
from tickstock_cli.core.registry import load_part
from tickstock_cli.core.stages import Sink
from tickstock_cli.errors import UsageError
from tickstock_cli.sinks import PARTS
from tickstock_cli.sinks.outputs import STDOUT


def open_sink(target: str, schema: pa.Schema = EVENT_SCHEMA) -> Sink:
    """Open the sink that the target's suffix names; ``-`` is JSON lines on standard output.

    Raises
    ------
    UsageError
        No sink writes files of this suffix.
    OutputError
        The target cannot be written; it is untouched.
    """
    sink: Sink = sink_class(target)(target, schema)
    return sink


def open_all(targets: Sequence[str], schema: pa.Schema = EVENT_SCHEMA) -> list[Sink]:
    """Open a sink for every target, or none: one that cannot be opened takes those before it back."""
    opened: list[Sink] = []
    try:
        for target in targets:
            opened.append(open_sink(target, schema))  # noqa: PERF401 - if the next fails, these must be known
    except BaseException:
        for sink in opened:
            sink.abort()
        raise
    return opened


def sink_class(target: str) -> type[Any]:
    """Load the class of the sink that the target's suffix names; nothing is opened yet.

    Raises
    ------
    UsageError
        No sink writes files of this suffix.
    """
    suffix = "jsonl" if target == STDOUT else Path(target).suffix.lower().removeprefix(".")
    if suffix not in PARTS:
        known = ", ".join(f".{name}" for name in PARTS)
        raise UsageError(
            f"cannot tell the format of output {target!r}: name a file that ends in {known}, or - for stdout"
        )
    sink: type[Any] = load_part("sink", PARTS, suffix)
    return sink
