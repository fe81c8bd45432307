"""The declaration of a kind of event: everything that other parts of the program need to know of it.

A detector declares the kinds that it reports, in its own file. Schema, digest, coordinator, tables, page, `diff`,
`explain`, `score` and load tests read the declarations; none of them names a kind.

1. A detector's class holds a tuple of ``Kind``.
2. ``join_kinds`` joins the declarations of all detectors: a kind's code is its position in the result.
3. ``own_columns`` and ``trigger_words`` derive what event files hold beyond the common columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.counted import counted
from tickstock_cli.errors import SettingsError

if TYPE_CHECKING:
    from pydantic import BaseModel

Columns = Mapping[str, NDArray[Any]]
"""Columns of events by name, of equal length; numbers are float64 or integers, with NaN for null."""

MOST_OWN_COLUMNS = 4
"""Columns of its own that a kind can have: the event array has that many fields for them."""

COMMON_DETAILS = ("{rel_volume} volume", "{trigger}", "strength {strength}", "score {score}")
"""Phrases over columns that every event has."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a kind adds to the common ones; null in events of kinds that do not have it.

    Parameters
    ----------
    name
        Column of every file and message; snake_case.
    unit
        ``$``, ``%``, ``x`` (a multiple) or any word; tables and the page format values by it.
    dtype
        ``int64`` values must lie within ±2**53.
    """

    name: str
    unit: str
    description: str
    dtype: Literal["float64", "int64"] = "float64"


@dataclass(frozen=True, slots=True)
class Mark:
    """How a chart marks an event.

    Parameters
    ----------
    light, dark
        CSS colours on a light and on a dark background.
    at
        Column of the price at which the mark stands; the chart's line passes through it.
    """

    shape: Literal["up", "down", "diamond", "square", "circle"] = "circle"
    light: str = "#5b6470"
    dark: str = "#a3adba"
    at: str = "price"


@dataclass(frozen=True, slots=True)
class Limit:
    """A threshold that events of a kind have reached, as far as their columns show.

    Parameters
    ----------
    setting
        Field of the detector's settings.
    unit
        That of value and threshold.
    value
        Column whose size is compared, or a function of the columns.
    least
        Threshold from the detector's settings and the columns. None: the setting itself. Where value or threshold is
        NaN, the limit does not apply.
    upper
        Whether the value must be at most the threshold instead of at least.
    """

    setting: str
    unit: str
    value: str | Callable[[Columns], NDArray[np.float64]]
    least: Callable[[Any, Columns], NDArray[np.float64]] | None = None
    upper: bool = False

    def margins(self, settings: BaseModel, columns: Columns) -> NDArray[np.float64]:
        """Return value over threshold of each event (upper: the inverse).

        1 is at the threshold, below 1 it is not reached, NaN says that the limit does not apply.
        """
        value, least = self.measure(settings, columns)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = least / value if self.upper else value / least
        return np.where(np.isfinite(ratio), ratio, np.nan)

    def measure(self, settings: BaseModel, columns: Columns) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return value and threshold of each event, in ``unit``.

        Parameters
        ----------
        settings
            The detector's own settings.
        """
        if callable(self.value):
            value = self.value(columns)
        else:
            value = np.abs(columns[self.value].astype(np.float64))
        if self.least is None:
            return value, np.full(len(value), float(getattr(settings, self.setting)))
        return value, self.least(settings, columns)


@dataclass(frozen=True, slots=True)
class Extreme:
    """Says that events of a kind are session extremes of ticks.

    The coordinator drops an event that a bar gives of the same kind if ticks of its session have reported an extreme
    and the bar's price is not beyond that one by the least distance. The detector's kernel answers lookups: into
    ``extremes``, at ``KindCodes.extreme(kind)``, it writes the price of its latest event since its state began, or NaN.

    Parameters
    ----------
    direction
        1: more is more extreme; -1: less is.
    min_price_change, min_percent_change
        Fields of the detector's settings: the least distance in dollars, and in percent of the earlier extreme; the
        greater one counts.
    extended_hours_multiplier
        Field with the factor on both outside regular hours, for ticks. None: there is none.
    post_continues
        Field that says whether extremes of regular hours remain those of ``post``. None: they do not.
    """

    direction: Literal[1, -1]
    min_price_change: str
    min_percent_change: str
    extended_hours_multiplier: str | None = None
    post_continues: str | None = None

    def least_distance(
        self, settings: BaseModel, earlier: NDArray[np.float64], extended: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Return the least distance, in dollars, from each earlier extreme.

        Parameters
        ----------
        settings
            The detector's own settings.
        earlier
            Prices in dollars.
        extended
            Whether the factor for extended hours applies.
        """
        percent = getattr(settings, self.min_percent_change)
        least: NDArray[np.float64] = np.maximum(getattr(settings, self.min_price_change), earlier * percent / 100.0)
        if self.extended_hours_multiplier is None:
            return least
        return np.where(extended, least * getattr(settings, self.extended_hours_multiplier), least)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of event, as one detector declares it.

    Detectors may share a kind. Its description, mark, phrases, label, family and columns are those of the first
    registered detector; the limits and the cooldown of each hold for its own events; trigger words join.

    Parameters
    ----------
    name
        Column ``kind`` of every event; snake_case.
    priority
        1 is delivered first, 4 last; see ``core.priority``.
    description
        What an event of this kind means, in one line.
    columns
        Columns of its own, at most ``MOST_OWN_COLUMNS``. A kernel writes the n-th into the field ``own<n>``, from 0.
    words
        What column ``trigger`` can hold, each with how a person reads it; an empty reading is not shown.
    details
        Phrases of tables, `watch` and the page, with columns in braces. A phrase whose column is null is left out.
        None: ``COMMON_DETAILS``, then each column of its own.
    more
        Phrases that only the page has room for.
    labels
        What older clients are told, by direction. Missing: kind and direction.
    family
        Kinds of one family are counted together by direction for older clients. None: it is a family of its own.
    limits
        Thresholds that `diff` finds reasons by.
    cooldown
        Field of the detector's settings with the quiet time after an event, in seconds. None: there is none.
    extreme
        Says that its events are session extremes.
    grace_seconds
        How long after the end of an injected move an event may still report it, for `score`.
    """

    name: str
    priority: int
    description: str = ""
    columns: tuple[Column, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    mark: Mark = Mark()
    details: tuple[str, ...] | None = None
    more: tuple[str, ...] = ()
    labels: Mapping[int, str] = field(default_factory=dict)
    family: str | None = None
    limits: tuple[Limit, ...] = ()
    cooldown: str | None = None
    extreme: Extreme | None = None
    grace_seconds: int = 60

    @property
    def phrases(self) -> tuple[str, ...]:
        """The phrases that tables show."""
        if self.details is not None:
            return self.details
        return (*COMMON_DETAILS, *(f"{column.name} {{{column.name}}}" for column in self.columns))


class KindCodes(dict[str, int]):
    """The run-wide code of every kind, by name; of every trigger word; and the number of every session extreme."""

    def __init__(self, kinds: Sequence[Kind]) -> None:
        super().__init__({kind.name: code for code, kind in enumerate(kinds)})
        self._words = {word: code for code, word in enumerate(trigger_words(kinds)) if word is not None}
        self._extremes = {kind.name: number for number, kind in enumerate(extreme_kinds(kinds))}

    def word(self, word: str) -> int:
        """Return the code of a declared trigger word, for the field ``trigger``; 0 is no word."""
        return self._words[word]

    def extreme(self, kind: str) -> int:
        """Return the number of a kind among the session extremes: its position in the answers to lookups."""
        return self._extremes[kind]

    def extremes(self) -> tuple[int, ...]:
        """Return the codes of the session extremes, by number."""
        return tuple(self[kind] for kind in self._extremes)


def join_kinds(declared: Iterable[tuple[str, Sequence[Kind]]]) -> tuple[Kind, ...]:
    """Join the kinds of detectors, each kind once, in the order of their first declaration.

    Parameters
    ----------
    declared
        Name of each detector, and its kinds.

    Raises
    ------
    SettingsError
        A declaration contradicts itself or another one.
    """
    kinds: dict[str, Kind] = {}
    for detector, its_kinds in declared:
        for kind in its_kinds:
            _check(detector, kind)
            known = kinds.get(kind.name)
            kinds[kind.name] = kind if known is None else _join(detector, known, kind)
    _check_columns(kinds.values())
    return tuple(kinds.values())


def own_columns(kinds: Iterable[Kind]) -> tuple[Column, ...]:
    """Return the columns that kinds add to the common ones, each once, in the order of the kinds."""
    return tuple({column.name: column for kind in kinds for column in kind.columns}.values())


def extreme_kinds(kinds: Iterable[Kind]) -> tuple[Kind, ...]:
    """Return the kinds whose events are session extremes."""
    return tuple(kind for kind in kinds if kind.extreme is not None)


def trigger_words(kinds: Iterable[Kind]) -> tuple[str | None, ...]:
    """Return the words of the column ``trigger`` by code; code 0 is no word."""
    return (None, *dict.fromkeys(word for kind in kinds for word in kind.words))


def _check(detector: str, kind: Kind) -> None:
    names = [kind.name, *(column.name for column in kind.columns)]
    wrong = next((name for name in names if not _NAME.fullmatch(name)), None)
    if wrong is not None:
        raise SettingsError(f"detector {detector}: a kind or column must be named in snake_case, was {wrong!r}")
    if not 1 <= kind.priority <= 4:
        raise SettingsError(f"detector {detector}: the priority of {kind.name} must be 1 to 4, was {kind.priority}")
    if len(kind.columns) > MOST_OWN_COLUMNS:
        raise SettingsError(
            f"detector {detector}: {kind.name} has {counted(len(kind.columns), 'column')} of its own; "
            f"at most {MOST_OWN_COLUMNS} are possible"
        )


def _join(detector: str, known: Kind, kind: Kind) -> Kind:
    """Add what a further detector declares of a kind."""
    if kind.priority != known.priority:
        raise SettingsError(
            f"detector {detector}: {kind.name} has priority {kind.priority}, but another detector "
            f"declares it with {known.priority}"
        )
    if kind.columns not in ((), known.columns):
        raise SettingsError(
            f"detector {detector}: another detector declares {kind.name} with other columns; use another name"
        )
    return replace(known, words={**known.words, **kind.words}, extreme=known.extreme or kind.extreme)


def _check_columns(kinds: Iterable[Kind]) -> None:
    """Make sure that columns of one name are the same column."""
    columns: dict[str, Column] = {}
    for kind in kinds:
        for column in kind.columns:
            other = columns.setdefault(column.name, column)
            if (other.dtype, other.unit) != (column.dtype, column.unit):
                raise SettingsError(
                    f"column {column.name} of {kind.name} is {column.dtype} in {column.unit!r}, but another kind "
                    f"declares it as {other.dtype} in {other.unit!r}; use another name"
                )
