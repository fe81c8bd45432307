"""Seeds of the recordings to compare, and which configurations each of them is replayed in."""

from __future__ import annotations

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test its seeds: those of a module's ``ROTATION`` take turns, unless the run is ``--deep``."""
    if "seed" not in metafunc.fixturenames:
        return
    first = metafunc.config.getoption("--first-seed")
    seeds = range(first, first + metafunc.config.getoption("--cases"))
    rotation = getattr(metafunc.module, "ROTATION", ())
    if metafunc.function in rotation and not metafunc.config.getoption("--deep"):
        turn = rotation.index(metafunc.function)
        metafunc.parametrize("seed", [seed for seed in seeds if seed % len(rotation) == turn])
    else:
        metafunc.parametrize("seed", seeds)
