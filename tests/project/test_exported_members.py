"""The public face: what `import tickstock_cli` offers, that it offers nothing else, and that it costs nothing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import tickstock_cli
from tickstock_cli import errors
from tickstock_cli.errors import TickstockError

ERRORS = {name for name, cls in vars(errors).items() if isinstance(cls, type) and issubclass(cls, TickstockError)}
EMBEDDING = {
    "EventProcessingResult",
    "EventStream",
    "FMVData",
    "MarketDataService",
    "MultiChannelSystem",
    "OHLCVData",
    "Request",
    "RunResult",
    "Settings",
    "SystemServer",
    "TickData",
    "__version__",
    "replay",
}
HEAVY = {
    "asyncio",
    "inspect",
    "numba",
    "numpy",
    "polars",
    "pyarrow",
    "pydantic",
    "rich",
    "scipy",
    "starlette",
    "uvicorn",
}


def fresh(program: str) -> list[str]:
    """Return the JSON list that a program prints in an interpreter of its own."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    names: list[str] = json.loads(done.stdout)
    return names


def test_the_package_offers_the_embedding_api_and_nothing_else() -> None:
    """Every other name may move with any release."""
    assert set(tickstock_cli.__all__) == EMBEDDING | ERRORS
    assert list(tickstock_cli.__all__) == sorted(tickstock_cli.__all__)
    assert dir(tickstock_cli) == list(tickstock_cli.__all__)


@pytest.mark.parametrize("name", sorted(EMBEDDING | ERRORS))
def test_a_public_name_is_what_it_is_called(name: str) -> None:
    """A table of strings could name another thing, or none."""
    member = getattr(tickstock_cli, name)

    assert name == "__version__" or member.__name__ == name


def test_an_unknown_name_is_an_attribute_error() -> None:
    """`hasattr`, `from … import` of submodules and editors rely on it."""
    with pytest.raises(AttributeError, match="module 'tickstock_cli' has no attribute 'Broadcast'"):
        _ = tickstock_cli.Broadcast


def test_a_star_import_brings_every_public_name() -> None:
    """The names are imported when they are first used, and a star import uses all of them.

    `replay` is the function: a submodule of that name would take its place as soon as somebody imports it.
    """
    program = "import json, tickstock_cli.replaying; from tickstock_cli import *"

    kind, *names = fresh(f"{program}; print(json.dumps([type(replay).__name__, *globals()]))")

    assert kind == "function"
    assert set(names) >= EMBEDDING | ERRORS


def test_importing_the_package_imports_none_of_its_parts() -> None:
    """`tickstock --help`, completion and a program that may not need us must not wait for numba."""
    program = "import json, sys; before = set(sys.modules); import tickstock_cli"

    assert fresh(f"{program}; print(json.dumps(sorted(set(sys.modules) - before)))") == ["__future__", "tickstock_cli"]


def test_an_error_alone_imports_nothing_heavy() -> None:
    """Whoever only catches our errors pays for nothing else."""
    loaded = set(fresh("import json, sys; from tickstock_cli import DataError; print(json.dumps(sorted(sys.modules)))"))

    assert loaded & HEAVY == set()
