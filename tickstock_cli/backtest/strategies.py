"""The strategies that a user names: files of rules, or classes in Python."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tickstock_cli.config.strategy import StrategySettings
from tickstock_cli.config.strategy_file import ENTER, load_strategy
from tickstock_cli.core.event_names import EventNames
from tickstock_cli.errors import UsageError
from tickstock_cli.prices.days import TradingDays
from tickstock_cli.trading.protocol import TradingStrategy
from tickstock_cli.trading.python_strategy import PythonSimulation, load_python_strategy, settings_of_class
from tickstock_cli.trading.simulation import TradeSimulation

_CLASS = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
SECTIONS = frozenset(StrategySettings.model_fields)
"""Sections of a strategy; an assignment to one of their keys is for strategies."""


@dataclass(frozen=True, slots=True)
class NamedStrategy:
    """A strategy: its settings and, if it is written in Python, its class."""

    settings: StrategySettings
    python: type[TradingStrategy] | None = None

    @property
    def name(self) -> str:
        """Its name in results."""
        return self.settings.name

    def simulation(self, names: EventNames, days: TradingDays, **options: Any) -> TradeSimulation:
        """Return a simulation of its own; ``options`` as in ``TradeSimulation``."""
        if self.python is not None:
            return PythonSimulation(self.python(), names, days, self.settings, **options)
        return TradeSimulation(self.settings, names, days, **options)

    @property
    def identity(self) -> dict[str, Any]:
        """What decides its trades, as JSON values; the code of a class is not among them."""
        python = None if self.python is None else f"{self.python.__module__}:{self.python.__qualname__}"
        return {"settings": self.settings.model_dump(mode="json"), "python": python}


def named_strategies(
    targets: Sequence[str], assignments: Sequence[str] = (), kinds: Sequence[str] | None = None
) -> tuple[NamedStrategy, ...]:
    """Read strategies.

    Parameters
    ----------
    targets
        A TOML file, or ``module:Class``, each.
    assignments
        ``exit.stop_percent=1``, each for all of them; see ``config.strategy_file.load_strategy``.
    kinds
        Kinds of events that rules of entry may name; None is any.

    Raises
    ------
    UsageError
        Two have one name, or there are assignments and no strategy.
    SettingsError
        A strategy cannot be read, a key is unknown or a value is out of range.
    """
    if assignments and not targets:
        raise UsageError(f"--set {assignments[0]} is for a strategy: name one with --strategy")
    strategies = [_named_strategy(target, assignments, kinds) for target in targets]
    for place, strategy in enumerate(strategies):
        earlier = [other.name for other in strategies[:place]]
        if strategy.name in earlier:
            first = targets[earlier.index(strategy.name)]
            raise UsageError(
                f"--strategy {first} and --strategy {targets[place]} are both named {strategy.name}: give one of them "
                "another name, strategy.name in its file"
            )
    return tuple(strategies)


def is_for_strategies(assignment: str) -> bool:
    """Return whether ``section.key=value`` sets a value of strategies."""
    return assignment.partition("=")[0].strip().partition(".")[0] in SECTIONS


def _named_strategy(target: str, assignments: Sequence[str], kinds: Sequence[str] | None) -> NamedStrategy:
    if _CLASS.fullmatch(target) and not Path(target).exists():
        python = load_python_strategy(target)
        without_rules = [text for text in assignments if not text.removeprefix("strategy.").startswith(f"{ENTER}.")]
        return NamedStrategy(settings_of_class(python, without_rules), python)
    return NamedStrategy(load_strategy(Path(target), assignments, kinds))
