"""Who measures a running system from within, beyond its own figures: a load test. Measuring never changes an event."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.events import EventRows
from tickstock_cli.runtime.instance import Finished


class Probe(Protocol):
    """Told on the system's loop. Must be quick, and must not fail."""

    def processed(self, done: Finished) -> None:
        """Hear of a batch that a channel instance is done with."""

    def published(self, events: EventRows, late_us: NDArray[np.int64]) -> None:
        """Hear of events in output order, and of how late each is published, in µs."""
