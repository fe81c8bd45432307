"""What the detectors of a run declare, as a document that travels with the run's events.

The manifest of an event log and the metadata of a Parquet file of events hold it, so that a reader shows kinds of a
plugin that is not installed there. Of a kind's limits the document holds those whose value is a column and whose
threshold is a setting: functions cannot be written down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, TypeAdapter

from tickstock_cli.core.kinds import Column, Extreme, Kind, Limit, Mark, join_kinds

KEY = b"tickstock.detectors"
"""Key of the document in the metadata of a schema."""


@dataclass(frozen=True, slots=True)
class DetectorDeclaration:
    """What one detector declares, and the settings that it ran with.

    Parameters
    ----------
    name
        The detector's section of the settings.
    source
        Column ``source`` of its events: its channel.
    """

    name: str
    source: str
    kinds: tuple[Kind, ...]
    settings: BaseModel


class _DeclarationPart(BaseModel):
    """A part of the document; keys of later versions are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class DeclaredSettings(BaseModel):
    """Settings of a detector by name, as they were written down."""

    model_config = ConfigDict(frozen=True, extra="allow")


class LimitDocument(_DeclarationPart):
    """A limit whose value is a column and whose threshold is a setting."""

    setting: str
    unit: str
    column: str
    upper: bool = False


class KindDocument(_DeclarationPart):
    """A kind; the keys are the fields of ``Kind``."""

    name: str
    priority: int
    description: str = ""
    columns: tuple[Column, ...] = ()
    words: dict[str, str] = {}
    mark: Mark = Mark()
    details: tuple[str, ...] | None = None
    more: tuple[str, ...] = ()
    labels: dict[int, str] = {}
    family: str | None = None
    limits: tuple[LimitDocument, ...] = ()
    cooldown: str | None = None
    extreme: Extreme | None = None
    grace_seconds: int = 60

    @classmethod
    def of(cls, kind: Kind) -> KindDocument:
        """Return the document of a kind."""
        plain = {name: getattr(kind, name) for name in cls.model_fields if name not in ("limits", "words", "labels")}
        limits = tuple(
            LimitDocument(setting=limit.setting, unit=limit.unit, column=limit.value, upper=limit.upper)
            for limit in kind.limits
            if isinstance(limit.value, str) and limit.least is None
        )
        return cls(**plain, words=dict(kind.words), labels=dict(kind.labels), limits=limits)

    def kind(self) -> Kind:
        """Return the kind."""
        plain = {name: getattr(self, name) for name in type(self).model_fields if name != "limits"}
        limits = tuple(Limit(limit.setting, limit.unit, limit.column, upper=limit.upper) for limit in self.limits)
        return Kind(**plain, limits=limits)


class DetectorDocument(_DeclarationPart):
    """A detector; the keys are the fields of ``DetectorDeclaration``."""

    name: str
    source: str
    kinds: tuple[KindDocument, ...]
    settings: dict[str, Any] = {}

    @classmethod
    def of(cls, declared: DetectorDeclaration) -> DetectorDocument:
        """Return the document of a declaration."""
        kinds = tuple(map(KindDocument.of, declared.kinds))
        settings = declared.settings.model_dump(mode="json")
        return cls(name=declared.name, source=declared.source, kinds=kinds, settings=settings)

    def declaration(self) -> DetectorDeclaration:
        """Return the declaration."""
        kinds = tuple(kind.kind() for kind in self.kinds)
        return DetectorDeclaration(self.name, self.source, kinds, DeclaredSettings(**self.settings))


_DETECTORS: TypeAdapter[tuple[DetectorDocument, ...]] = TypeAdapter(tuple[DetectorDocument, ...])


def with_declarations(schema: pa.Schema, declared: Iterable[DetectorDeclaration]) -> pa.Schema:
    """Return a schema with the document in its metadata."""
    documents = tuple(map(DetectorDocument.of, declared))
    return schema.with_metadata({**(schema.metadata or {}), KEY: _DETECTORS.dump_json(documents)})


def declarations_of(schema: pa.Schema) -> tuple[DetectorDeclaration, ...]:
    """Return the declarations in a schema's metadata; none if it has no document.

    Raises
    ------
    ValueError
        The document cannot be read.
    """
    text = (schema.metadata or {}).get(KEY)
    return () if text is None else tuple(one.declaration() for one in _DETECTORS.validate_json(text))


def declared_kinds(own: Sequence[Kind], declared: Iterable[DetectorDeclaration]) -> tuple[Kind, ...]:
    """Return the kinds of this program, then others that events declare. A declaration of the events counts first.

    Raises
    ------
    SettingsError
        Declarations contradict each other.
    """
    of_events = join_kinds((one.name, one.kinds) for one in declared)
    kinds: Mapping[str, Kind] = {kind.name: kind for kind in (*own, *of_events)}
    return tuple(kinds.values())
