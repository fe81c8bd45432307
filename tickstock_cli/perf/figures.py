"""The document of one run: every sample, and what it was measured on; read back to be compared."""

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
from tickstock_cli.perf.measuring import Sample

FORMAT = "tickstock perf figures 1"


@dataclass(frozen=True, slots=True)
class Figures:
    """What one side took."""

    __pydantic_config__: ClassVar = DOCUMENT

    format: str
    """Names this kind of document and its version."""
    label: str
    """What was measured."""
    created: str
    """When, UTC."""
    machine: Machine
    size: dict[str, float]
    """How much was measured; see `recording.Size`."""
    data_hash: str
    """Of the recording that was replayed."""
    rounds: int
    samples: dict[str, list[Sample]]
    """By probe, one a round."""


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
        There is none, or it holds something else.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    try:
        figures: Figures = TypeAdapter(Figures).validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DataError(
            f"{path} holds no figures of tickstock perf run: {where or 'it'}: {first['msg'].lower()}"
        ) from error
    if figures.format != FORMAT:
        raise DataError(f"{path}: format is {figures.format!r}, but {FORMAT!r} is read; measure again")
    return figures


def check_alike(base: Figures, head: Figures) -> None:
    """Refuse to compare what cannot be compared.

    Raises
    ------
    UsageError
        Machines or recordings differ.
    """
    differences: Sequence[str] = alike(base.machine, head.machine)
    if base.data_hash != head.data_hash:
        differences = [*differences, "the recordings that were replayed"]
    if differences:
        raise UsageError(
            f"{base.label} and {head.label} cannot be compared, these differ: {'; '.join(differences)}; "
            "measure both in one sitting with tickstock perf gate --base REV"
        )
