"""The gaps of a live run's feed, as its summary shows them."""

from __future__ import annotations

from threading import Lock

from tickstock_cli.core.feed import FeedListener, Gap


class GapLog(FeedListener):
    """Keeps the gaps of a feed. One that has not ended when the run does has no end."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._gaps: dict[tuple[int, tuple[str, ...]], Gap] = {}

    def gap(self, gap: Gap) -> None:
        with self._lock:
            self._gaps[gap.begin, gap.channels] = gap

    @property
    def gaps(self) -> list[Gap]:
        """The gaps so far, in the order of their beginning."""
        with self._lock:
            return sorted(self._gaps.values(), key=lambda gap: gap.begin)
