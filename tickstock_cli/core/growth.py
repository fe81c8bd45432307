"""Growth of state arrays with the symbol table."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def grown(array: NDArray[Any], tickers: int, blank: Any) -> NDArray[Any]:
    """Return ``array`` with room for ``tickers`` along its first axis, by doubling, new entries ``blank``."""
    if tickers <= len(array):
        return array
    larger = np.zeros((max(tickers, 2 * len(array)), *array.shape[1:]), dtype=array.dtype)
    larger[: len(array)] = array
    if blank is not None:
        larger[len(array) :] = blank
    return larger
