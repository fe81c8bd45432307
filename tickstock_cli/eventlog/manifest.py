"""The manifest of a log: the run, the columns of its events and, once the run is finished, its summary."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tickstock_cli.core.declarations import DetectorDocument, declarations_of, with_declarations
from tickstock_cli.core.events import with_own_fields
from tickstock_cli.core.files import replace_file
from tickstock_cli.core.kinds import own_columns
from tickstock_cli.errors import DataError

MANIFEST = "log.json"
FORMAT: Final = "tickstock event log"
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class RunInfo:
    """The run that a log belongs to."""

    id: str
    """Identity of the run: sequence numbers are valid within one run."""
    started_at: int
    """Wall time, ns since the epoch, UTC."""
    title: str = ""
    """Title for people: ``sample_data at 20x``."""
    fingerprint: str = ""
    """Hash of everything the events depend on: settings, inputs, selection."""
    tickstock: str = ""
    """Version of tickstock that wrote the log."""
    universes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Tickers by the name of their universe; a server of the log offers them to subscriptions."""
    plugins: tuple[Mapping[str, str], ...] = ()
    """Family, name, distribution and version of each plugin that had a part in the events, beside their digest."""
    calendar: str = ""
    """``session.calendar``, or the zone of a custom one, in which times are shown. Empty in logs of older versions."""


class _ManifestPart(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ManifestColumn(_ManifestPart):
    """A column of the events, its type as Arrow names it."""

    name: str
    type: str
    nullable: bool


class RunSummary(_ManifestPart):
    """Summary of a finished run."""

    first: int = Field(ge=1)
    """Sequence number of the oldest event that retention kept."""
    last: int = Field(ge=0)
    """Sequence number of the run's last event, which is also the number of its events. 0 = no events."""
    digest: str
    """``core.digest.EventDigest`` of all events of the run, including those that retention deleted."""


class Manifest(_ManifestPart):
    """The file ``log.json``: written, as a whole, when a log begins and when it is finished."""

    format: Literal["tickstock event log"] = FORMAT
    version: Literal[1] = VERSION
    run: RunInfo
    columns: tuple[ManifestColumn, ...]
    detectors: tuple[DetectorDocument, ...] = ()
    """What the detectors of the run declare of their kinds of events; empty in logs of older versions."""
    finished: RunSummary | None = None

    def arrow_schema(self) -> pa.Schema:
        """Return the columns as an Arrow schema with the declarations. Raises ValueError for an unknown type."""
        type_of: Any = pa.type_for_alias
        columns = [pa.field(column.name, type_of(column.type), column.nullable) for column in self.columns]
        declared = [detector.declaration() for detector in self.detectors]
        own = own_columns(kind for detector in declared for kind in detector.kinds)
        return with_declarations(with_own_fields(pa.schema(columns), own), declared)

    def write(self, folder: Path) -> None:
        """Replace the manifest of a folder. Raises OSError."""
        replace_file(folder / MANIFEST, self.model_dump_json(indent=1).encode(), durable=True)


def manifest_of(run: RunInfo, schema: pa.Schema) -> Manifest:
    """Return the manifest of a log that begins, with the declarations in the schema's metadata."""
    detectors = tuple(map(DetectorDocument.of, declarations_of(schema)))
    return Manifest(run=run, columns=columns_of(schema), detectors=detectors)


def columns_of(schema: pa.Schema) -> tuple[ManifestColumn, ...]:
    """Return the manifest's form of a schema."""
    return tuple(ManifestColumn(name=field.name, type=str(field.type), nullable=field.nullable) for field in schema)


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a folder.

    Raises
    ------
    DataError
        The folder holds no event log, one of a newer tickstock, or a damaged one.
    """
    try:
        text = (folder / MANIFEST).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        if not folder.exists():
            raise DataError(f"{folder} does not exist; name a folder that tickstock wrote events to") from error
        missing = f"it has no {MANIFEST}" if folder.is_dir() else "it is not a folder"
        raise DataError(
            f"{folder} is not an event log: {missing}; name a folder that tickstock wrote events to"
        ) from error
    except OSError as error:
        raise DataError(f"cannot read {folder / MANIFEST}: {(error.strerror or str(error)).lower()}") from error
    try:
        document = json.loads(text)
    except ValueError as error:
        raise DataError(f"event log {folder} is damaged: {MANIFEST} is not JSON ({error})") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise DataError(f"{folder} is not an event log: another program wrote its {MANIFEST}")
    version = document.get("version")
    if isinstance(version, int) and version > VERSION:
        raise DataError(
            f"a newer tickstock wrote event log {folder}: its format is {version}, this one reads up to {VERSION}; "
            "update tickstock"
        )
    try:
        manifest = Manifest.model_validate(document)
        manifest.arrow_schema()
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise DataError(f"event log {folder} is damaged: {MANIFEST}, {place}: {first['msg'].lower()}") from error
    except ValueError as error:
        raise DataError(f"event log {folder} is damaged: {MANIFEST}, columns: {error}") from error
    return manifest
