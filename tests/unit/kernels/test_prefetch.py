"""Memory that is asked for early: kernels find the same in it, and are kept on disk like others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.fingerprint import fingerprint
from tickstock_cli.kernels.jit import kernel
from tickstock_cli.kernels.machine_code import config
from tickstock_cli.kernels.prefetch import prefetch

STATES = np.array([(1, 0.5), (2, 1.5), (3, 2.5)], dtype=[("count", "i8"), ("price", "f8")])


@kernel
def total(states: NDArray[Any], ahead: int) -> float:
    """Return the sum of all prices; each state is asked for some places ahead of its turn."""
    found = 0.0
    for i in range(len(states)):
        prefetch(states, i + ahead)
        found += states[i]["price"]
    return found


def test_asking_for_memory_changes_no_result() -> None:
    """Places behind the end, and far beyond any memory of the process, are asked for without harm."""
    before = STATES.copy()

    assert [total(STATES, ahead) for ahead in (0, 1, 2**20, -(2**40))] == [4.5] * 4
    assert before.tolist() == STATES.tolist()


def test_a_kernel_that_asks_has_a_fingerprint() -> None:
    """So its machine code is kept, and no process compiles it again."""
    if config.DISABLE_JIT:
        return

    assert len(fingerprint(total)) == 32
