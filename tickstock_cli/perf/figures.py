"""The document of one run: all samples, machine and recording."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import TypeAdapter, ValidationError

from tickstock_cli.errors import DataError, UsageError
from tickstock_cli.measurement.documents import DOCUMENT, write_file
from tickstock_cli.measurement.machine import Machine, alike
from tickstock_cli.perf.benchmark_runs import Sample

FORMAT = "tickstock perf figures 1"

_WANTED = "name a file that tickstock perf run wrote"
_OTHER = f"something else than figures; {_WANTED}"


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one side."""

    __pydantic_config__: ClassVar = DOCUMENT

    format: str
    """Name and version of the document's format."""
    label: str
    """Label of the measured side."""
    created: str
    """Time of the measurement, UTC."""
    machine: Machine
    size: dict[str, float]
    """Size of the measurement; see `recording.Size`."""
    data_hash: str
    """Hash of the replayed recording."""
    rounds: int
    samples: dict[str, list[Sample]]
    """Samples by benchmark, one for each round."""


def write_figures(path: Path, figures: Figures) -> None:
    """Write the document.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    write_file(path, (json.dumps(asdict(figures), indent=2, ensure_ascii=False) + "\n").encode())


def read_figures(path: Path) -> Figures:
    """Read a document.

    Raises
    ------
    DataError
        The file is missing, or is no such document.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is no text; {_WANTED}") from error
    try:
        document = json.loads(text)
    except ValueError as error:
        raise DataError(f"{path} is no JSON: {error}; {_WANTED}") from error
    found = document.get("format") if isinstance(document, dict) else None
    if found != FORMAT:
        is_old = str(found).startswith(FORMAT.rstrip("0123456789"))
        raise DataError(f"{path} holds {f'{found!r}, but {FORMAT!r} is read; measure again' if is_old else _OTHER}")
    try:
        figures: Figures = TypeAdapter(Figures).validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DataError(f"{path} is damaged: {where}: {first['msg'].lower()}; measure again") from error
    return figures


def check_alike(base: Figures, head: Figures) -> None:
    """Raise an error if figures cannot be compared.

    Raises
    ------
    UsageError
        Machines or recordings differ, or no benchmark was run on both.
    """
    differences: Sequence[str] = alike(base.machine, head.machine)
    if base.size != head.size:
        rows = (f"{figures.size.get('rows', 0):,.0f}" for figures in (base, head))
        differences = [*differences, f"size of the recording, {' and '.join(rows)} ticks (--quick on one side alone?)"]
    elif base.data_hash != head.data_hash:
        differences = [*differences, "the recordings that were replayed"]
    if differences:
        raise UsageError(
            f"{base.label} and {head.label} cannot be compared, these differ: {'; '.join(differences)}; "
            "measure both in one sitting with tickstock perf gate --base REV"
        )
    if not base.samples.keys() & head.samples.keys():
        benchmarks = (", ".join(figures.samples) or "nothing" for figures in (base, head))
        raise UsageError(f"nothing can be compared: one side measured {' and the other '.join(benchmarks)}; see --only")
