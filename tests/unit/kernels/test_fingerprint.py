"""What a kernel is kept under: a hash of all that its machine code follows from, and of nothing else."""

from __future__ import annotations

import importlib
import io
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from tickstock_cli.kernels.fingerprint import NoFingerprintError, describe_type, fingerprint
from tickstock_cli.kernels.machine_code import PACKAGE

typeof: Any = numba.typeof
named_tuple: Any = namedtuple  # noqa: PYI024 - two of the same name are the point
"""Typed by hand: numba has few annotations, and the type checker wants fields that it can read."""

PLUGIN = {
    "limits.py": '''
from enum import IntEnum
import numpy as np
LIMIT = 5.0
RATES = np.array([0.5, 0.25])
UNUSED = 1
class Side(IntEnum):
    """Which side."""
    BUY = 1
    SELL = 2
def unused():
    return 1
''',
    "steps.py": '''
from typing import NamedTuple
from tickstock_cli.kernels.jit import kernel
class Reading(NamedTuple):
    """What a row tells."""
    high: float
    low: float
@kernel
def above(value, limit=1.0):
    return value > limit
@kernel
def other(value):
    return value
''',
    "loop.py": '''
import another_house.limits as limits
from another_house.limits import LIMIT, unused
from another_house.steps import Reading, above
from tickstock_cli.kernels.jit import kernel
from tickstock_cli.kernels.compare import sign
@kernel
def scan(values):
    """Count what is above the limit."""
    count = 0
    for value in values:
        reading = Reading(value, value * limits.RATES[0])
        if above(reading.high - reading.low) and value > LIMIT or sign(value) == limits.Side.SELL:
            count += 1
    return count
''',
}
"""A package of a stranger, whose kernel draws on another module, on its own package and on ours."""

Edit = tuple[str, str, str]

MATTERS: tuple[Edit, ...] = (
    ("limits.py", "LIMIT = 5.0", "LIMIT = 5"),
    ("limits.py", "[0.5, 0.25]", "[0.5, 0.125]"),
    ("limits.py", "SELL = 2", "SELL = 3"),
    ("steps.py", "    high: float\n    low: float", "    low: float\n    high: float"),
    ("steps.py", "value > limit", "value >= limit"),
    ("steps.py", "limit=1.0", "limit=2.0"),
    ("loop.py", "count += 1", "count += 2"),
)
MATTERS_NOT: tuple[Edit, ...] = (
    ("limits.py", "UNUSED = 1", "UNUSED = 2"),
    ("limits.py", "    return 1", "    return 2"),
    ("limits.py", "Which side.", "The side."),
    ("steps.py", "    return value\n", "    return -value\n"),
    ("steps.py", "@kernel\ndef above", "# A comment.\n\n@kernel\ndef above"),
    ("steps.py", "    return value >", '    """Compare."""\n    return value >'),
    ("loop.py", "Count what is", "Return how many are"),
    ("loop.py", "    count = 0", "    # Nothing yet.\n    count  =  0"),
    ("loop.py", "import LIMIT, unused", "import LIMIT"),
)


def fingerprint_of_the_plugin(edits: set[Edit]) -> str:
    """Import the plugin with some edits, and return the fingerprint of its kernel."""
    with TemporaryDirectory() as folder:
        package = Path(folder, "another_house")
        package.mkdir()
        for name, source in PLUGIN.items():
            for file, old, new in sorted(edits):
                assert file != name or old in source
                source = source.replace(old, new) if file == name else source
            (package / name).write_text(source)
        for name in [name for name in sys.modules if name.startswith("another_house")]:
            del sys.modules[name]
        sys.path.insert(0, folder)
        importlib.invalidate_caches()
        try:
            return fingerprint(importlib.import_module("another_house.loop").scan)
        finally:
            sys.path.remove(folder)


@pytest.mark.parametrize("change", MATTERS)
def test_a_fingerprint_changes_with_every_dependency_of_the_code(change: Edit) -> None:
    """Old code would give results of rules that stand nowhere any more."""
    assert fingerprint_of_the_plugin({change}) != fingerprint_of_the_plugin(set())


@settings(max_examples=25)
@given(st.sets(st.sampled_from(MATTERS)), st.sets(st.sampled_from(MATTERS_NOT)))
def test_a_fingerprint_depends_on_nothing_else(changes: set[Edit], others: set[Edit]) -> None:
    """Compiling anew costs everybody who pulls a comment a quarter of a minute."""
    assert fingerprint_of_the_plugin(changes | others) == fingerprint_of_the_plugin(changes)


def test_named_tuples_among_the_arguments_count_by_their_fields() -> None:
    """The machine code holds the places of fields, and numba tells two named tuples apart by their names alone."""
    described = [
        describe_type(typeof((named_tuple("Rule", names)(1, 2),))) for names in ("low high", "high low", "low high")
    ]

    assert described[0] == described[2] != described[1]


def test_layouts_of_records_and_dimensions_of_arrays_count_among_the_arguments() -> None:
    """Two functions of the same source work on different bytes."""
    layouts = [np.zeros(1, [("price", "f8")]), np.zeros(1, [("price", "f4")]), np.zeros((1, 1), [("price", "f8")])]

    assert len({describe_type(typeof(array)) for array in layouts}) == len(layouts)


def test_a_kernel_with_an_unknown_dependency_has_no_fingerprint() -> None:
    """A hash that leaves something out would be worse than none."""
    namespace: dict[str, Any] = {"__name__": "house", "anything": object()}
    exec("def scan(value):\n    return value if anything else 0", namespace)

    with pytest.raises(NoFingerprintError):
        fingerprint(njit(namespace["scan"]))


ALL_FINGERPRINTS = """
import pkgutil, importlib, tickstock_cli
from tickstock_cli.kernels.fingerprint import fingerprint
for room in ("detectors", "kernels", "sources", "synth"):
    package = importlib.import_module(f"tickstock_cli.{room}")
    for _, name, _ in pkgutil.iter_modules(package.__path__, f"tickstock_cli.{room}."):
        for key, value in vars(importlib.import_module(name)).items():
            if hasattr(value, "py_func"):
                print(name, key, fingerprint(value))
"""


def fingerprints_here() -> list[str]:
    """Return the kernels of the package, with their fingerprints, as this process sees them."""
    with redirect_stdout(io.StringIO()) as told:
        exec(ALL_FINGERPRINTS, {})
    return told.getvalue().splitlines()


def fingerprints_of(folder: Path) -> list[str]:
    """Return the kernels of the package in a folder, with their fingerprints, as a process of its own sees them."""
    return subprocess.run(
        [sys.executable, "-c", ALL_FINGERPRINTS],
        env={**os.environ, "PYTHONPATH": str(folder)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()


def test_a_comment_in_the_core_and_another_checkout_change_no_kernel_of_the_package(tmp_path: Path) -> None:
    """A comment in core/clock.py made the next replay of everybody take 14 s instead of 2."""
    shutil.copytree(PACKAGE, tmp_path / "tickstock_cli", ignore=shutil.ignore_patterns("__pycache__"))
    clock = tmp_path / "tickstock_cli" / "core" / "clock.py"
    clock.write_text(f"# A comment.\n{clock.read_text()}\n\ndef unused() -> None:\n    pass\n")
    compare = tmp_path / "tickstock_cli" / "kernels" / "compare.py"
    compare.write_text(compare.read_text().replace("import annotations\n", "import annotations\n\n# A comment.\n"))

    there = fingerprints_of(tmp_path)

    assert len(there) > 90
    assert there == fingerprints_here()
