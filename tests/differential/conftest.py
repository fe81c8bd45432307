"""Seeds of the recordings to compare, and which configurations each of them is replayed in."""

from __future__ import annotations

from collections.abc import Sequence

import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test its seeds: those of a module's ``ROTATION`` take turns, unless the run is ``--deep``.

    Tests of one seed follow each other, so that they can share its recording.
    """
    if "seed" not in metafunc.fixturenames:
        return
    first = metafunc.config.getoption("--first-seed")
    seeds: Sequence[int] = range(first, first + metafunc.config.getoption("--cases"))
    rotation = getattr(metafunc.module, "ROTATION", ())
    if metafunc.function in rotation and not metafunc.config.getoption("--deep"):
        turn = rotation.index(metafunc.function)
        seeds = [seed for seed in seeds if seed % len(rotation) == turn]
    metafunc.parametrize("seed", seeds, scope="module")
