"""Which machine it was, and whether two are the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import tickstock_cli
from tests.unit.loadtest.observed import MACHINE
from tickstock_cli.measurement.machine import alike, changed_packages, facts, identity


def test_the_description_of_the_machine_is_complete() -> None:
    """Whatever it is: nothing is empty, and our own version is there."""
    machine = identity()

    assert all((machine.processor, machine.cpus, machine.memory_bytes, machine.system, machine.python))
    assert machine.packages["tickstock"] == tickstock_cli.__version__
    assert alike(machine, identity()) == []


def test_outside_a_checkout_no_commit_is_known(tmp_path: Path) -> None:
    """Not that of whatever repository the package happens to lie in."""
    assert identity(tmp_path).commit is None
    assert facts(identity(tmp_path))["commit"] == "unknown"


def test_another_processor_or_fewer_cpus_is_another_machine() -> None:
    """The figures of one say nothing about the other."""
    other = replace(MACHINE, processor="Intel Xeon 8370C", cpus=4)

    assert alike(MACHINE, other) == ["processor AMD EPYC 7B13 and Intel Xeon 8370C", "CPUs 2 and 4"]


def test_a_few_megabytes_of_memory_do_not_make_another_machine() -> None:
    """Kernels keep more or less of it for themselves; half of it is another machine."""
    assert alike(MACHINE, replace(MACHINE, memory_bytes=MACHINE.memory_bytes - (50 << 20))) == []
    assert alike(MACHINE, replace(MACHINE, memory_bytes=4 << 30)) == ["memory 8.0 GiB and 4.0 GiB"]


def test_other_packages_do_not_make_another_machine() -> None:
    """Another numpy may be just what a comparison is about."""
    other = replace(MACHINE, packages={"tickstock": "0.1.0", "numba": "0.62.0"})

    assert alike(MACHINE, other) == []
    assert changed_packages(MACHINE, other) == ["numba 0.61.2 and 0.62.0", "numpy 2.2.6 and none"]
