"""The seam for measurements inside a running system, such as those of a load test. Measuring never changes an event."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.events import EventRows
from tickstock_cli.runtime.instance import Finished


class RuntimeObserver(Protocol):
    """Called on the system's loop. Must be quick, and must not fail."""

    def processed(self, done: Finished) -> None:
        """Observe a batch that a channel instance has processed."""

    def published(self, events: EventRows, late_us: NDArray[np.int64]) -> None:
        """Observe events in output order, and how late each is published, in µs."""
