"""Opens the sink that writes a target of the user."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from tickstock_cli.core.events import EVENT_SCHEMA
from tickstock_cli.core.stages import NamedSink, Sink
from tickstock_cli.errors import UsageError
from tickstock_cli.sinks import SINKS
from tickstock_cli.sinks.outputs import STDOUT
from tickstock_cli.storage.names import shown_as_path

_SCHEME = re.compile(r"([a-z][a-z0-9_]+):(.+)", re.DOTALL)


def open_sink(target: str, schema: pa.Schema = EVENT_SCHEMA) -> Sink:
    """Open the sink for the target's suffix or scheme; ``-`` is JSON lines on standard output.

    The sink gets the target without its scheme.

    Raises
    ------
    UsageError
        No sink writes files of this suffix.
    OutputError
        The target cannot be written; it stays unchanged.
    """
    scheme = _plugin_scheme(target)
    sink: Sink = sink_class(target)(target if scheme is None else target[len(scheme) + 1 :], schema)
    return sink


def open_all(targets: Sequence[str], schema: pa.Schema = EVENT_SCHEMA) -> list[NamedSink]:
    """Open a sink for every target; if one cannot be opened, abort those before it."""
    opened: list[NamedSink] = []
    try:
        for target in targets:
            sink = open_sink(target, schema)
            opened.append(NamedSink(target, sink, path_of(target)))
    except BaseException:
        for named in opened:
            named.sink.abort()
        raise
    return opened


def path_of(target: str) -> Path | None:
    """Return the file or object that a target names; None for standard output and for a plugin's scheme."""
    return None if target == STDOUT or _plugin_scheme(target) is not None else shown_as_path(target)


def shadow_target(target: str) -> str | None:
    """Return the file of a shadow's events beside a target, such as ``events.shadow.jsonl``; None if it is no file."""
    path = path_of(target)
    return None if path is None else str(path.with_name(f"{path.stem}.shadow{path.suffix}"))


def sink_class(target: str) -> type[Any]:
    """Return the sink class for the target's suffix or scheme, without opening the target.

    Raises
    ------
    UsageError
        No sink writes files of this suffix.
    PluginError
        The plugin that writes them cannot be loaded.
    """
    name = sink_name(target)
    if not SINKS.has(name):
        known = ", ".join(f".{suffix}" for suffix in SINKS.names)
        raise UsageError(f"unknown format of output {target!r}: name a file that ends in {known}, or - for stdout")
    sink: type[Any] = SINKS.load(name)
    return sink


def sink_name(target: str) -> str:
    """Return the name of the sink that a target asks for; there may be none of that name."""
    if target == STDOUT:
        return "jsonl"
    return _plugin_scheme(target) or Path(target).suffix.lower().removeprefix(".")


def _plugin_scheme(target: str) -> str | None:
    """Return the scheme of a target of a plugin's sink; the project's own sinks write files, which have none."""
    match = _SCHEME.fullmatch(target)
    return match[1] if match is not None and match[1] not in SINKS.parts and SINKS.has(match[1]) else None
