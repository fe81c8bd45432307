"""What the tests of pacing share: a market of one ticker, and a stepper that notes what it is fed, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.testing import SECOND, ListSource, ManualClock, Tick, new_york

OPEN = new_york("2024-06-12", "09:30:00")
NEVER = 2**63 - 1


def ticks_at(*seconds: float) -> ListSource:
    """Return a source of one tick at each time, in seconds since the open."""
    return ListSource([Tick("IBM", OPEN + round(second * SECOND), 100.0) for second in seconds])


def batches_at(*seconds: float, batch_rows: int = 1000) -> Iterator[MergedBatch]:
    """Return the batches of such a source."""
    return ticks_at(*seconds).batches(batch_rows)


@dataclass
class Noted:
    """Feeds no core: notes each piece with the wall time at which it came.

    Parameters
    ----------
    work
        Wall time that a piece takes, by its number, in ns.
    next_event
        Market time of the next event to tell, in ns.
    on_advance
        Called whenever market time passes without a row.
    """

    clock: ManualClock
    work: Callable[[int], int] = lambda _: 0
    next_event: int = NEVER
    on_advance: Callable[[], None] = lambda: None
    pieces: list[tuple[int, list[int]]] = field(default_factory=list)
    """Wall time and recorded times of each piece."""
    passed: list[tuple[int, int]] = field(default_factory=list)
    """Wall time and market time, whenever time passed without a row."""
    shown: list[tuple[int, int]] = field(default_factory=list)
    """Wall time and market time, whenever observers were shown that time goes on."""
    promised: int = 0
    """The greatest watermark so far: no row may be available before it."""
    done: list[tuple[int, ...]] = field(default_factory=list)
    """Positions behind each whole batch."""
    arrivals: list[int] = field(default_factory=list)
    """Market times that were asked for and reached."""

    def step(self, batch: MergedBatch) -> None:
        """See ``Stepper``."""
        times = batch.available_at().tolist()
        assert times[0] >= self.promised
        self.pieces.append((self.clock.now(), times))
        self.promised = max(self.promised, batch.watermark)
        self.clock.advance(self.work(len(self.pieces) - 1))

    def advance(self, watermark: int) -> int:
        """See ``Stepper``."""
        self.passed.append((self.clock.now(), watermark))
        self.promised = max(self.promised, watermark)
        self.on_advance()
        return self.next_event if watermark < self.next_event else NEVER

    def prepare(self, batch: MergedBatch) -> None:
        """See ``Stepper``."""

    def next_release(self) -> int:
        """See ``Stepper``."""
        return self.next_event

    def show(self, market_time: int) -> None:
        """See ``Stepper``."""
        self.shown.append((self.clock.now(), market_time))

    def idle(self) -> None:
        """See ``Stepper``."""

    def batch_done(self, batch: MergedBatch) -> None:
        """See ``Stepper``."""
        self.done.append(batch.positions)

    def needs_snapshot(self, target: int) -> bool:  # noqa: ARG002 - the protocol's
        """See ``Stepper``: there is nothing to go back to."""
        return False

    def arrived(self, target: int) -> None:
        """See ``Stepper``."""
        self.arrivals.append(target)

    def fed(self) -> list[tuple[float, float]]:
        """Return wall time and recorded time of each row, in seconds since the start and since the open."""
        return [(wall / SECOND, (time - OPEN) / SECOND) for wall, times in self.pieces for time in times]


def wall_seconds(fed: Sequence[tuple[float, float]]) -> list[float]:
    """Return the wall times alone."""
    return [wall for wall, _ in fed]
