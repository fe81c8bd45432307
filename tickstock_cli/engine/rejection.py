"""Rejected rows: in merge order, with the words for the one that stops a strict run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.channels.base import Rejected
from tickstock_cli.core.stages import OriginalRows
from tickstock_cli.errors import RejectedRowError
from tickstock_cli.kernels.admission import REASONS

COLUMNS = {
    "ticker": ("ticker",),
    "timestamp": ("timestamp",),
    "future": ("timestamp", "received_at"),
    "price": ("price", "open", "high", "low", "close"),
    "size": ("size",),
    "volume": ("volume",),
    "range": ("open", "high", "low", "close"),
    "fmv": ("fmv",),
    "market_price": ("market_price",),
    "confidence": ("confidence",),
    "late": ("timestamp", "ticker"),
    "duplicate": ("timestamp", "ticker"),
}
"""Columns that can be the cause of each reason."""

WORDS = {
    "ticker": "has no ticker",
    "timestamp": "has no usable timestamp",
    "future": "has a timestamp more than 60 s after it was received",
    "price": "has a price that is no number above zero",
    "size": "has a size that is no number from 0 to 1e11",
    "volume": "has a volume that is no number from 0 to 1e11",
    "range": "has a high below its low, or an open or close outside them",
    "fmv": "has a fair value that is no number above zero",
    "market_price": "has a market price that is no number above zero",
    "confidence": "has a confidence outside 0 to 1",
    "late": "is earlier than a row of its ticker that came before it",
    "duplicate": "is the same bar of its ticker again",
}


def in_merge_order(parts: Sequence[Rejected]) -> tuple[NDArray[np.int64], list[str]]:
    """Return the origins of rejected rows and the reasons, in merge order."""
    order = np.argsort(np.concatenate([part.order for part in parts]), kind="stable")
    origins = np.concatenate([part.origin for part in parts])[order]
    reasons = np.concatenate([part.reason for part in parts])[order]
    return origins, [REASONS[reason] for reason in reasons]


def strict_error(rows: OriginalRows, origin: int, reason: str, columns: Mapping[str, str]) -> RejectedRowError:
    """Word the error of the first rejected row; ``columns`` maps our names to the recording's."""
    path, row, values = rows.fetch(origin)
    shown = []
    for name in COLUMNS[reason]:
        theirs = columns.get(name, name)
        column = theirs if theirs in values else name
        if column in values:
            shown.append(f"{column}={values[column]!r}")
    return RejectedRowError(
        f"{path}: row {row} {WORDS[reason]} ({', '.join(shown)}); "
        "mend it, or run without --strict to reject and count such rows"
    )
