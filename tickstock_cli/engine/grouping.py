"""Groups the rows of batches by ticker, which needs no state: in the thread that reads them, where it can be."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from tickstock_cli.channels.workspace import Workspace
from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.engine.channels import Channels, GroupedBatch, TickLookups


@dataclass(frozen=True, slots=True)
class BatchGroups:
    """A batch, whose codes are below ``tickers``; its lookups; its groups, and the memory that they are in."""

    batch: MergedBatch
    tickers: int
    lookups: TickLookups
    grouped: GroupedBatch
    memory: dict[str, Workspace]


class Grouping:
    """The groups of a core's batches, in memory that is used again."""

    def __init__(self, channels: Channels, symbols: SymbolTable) -> None:
        self._channels = channels
        self._symbols = symbols
        self._ahead: deque[BatchGroups] = deque()
        self._spare: deque[dict[str, Workspace]] = deque()

    def ahead(self, batches: Iterator[MergedBatch]) -> Iterator[MergedBatch]:
        """Yield batches, each after it was grouped. They are taken in this order, in any thread."""
        self._ahead.clear()
        for batch in batches:
            if len(batch):
                self._ahead.append(self._group(batch))
            yield batch

    def take(self, batch: MergedBatch) -> BatchGroups:
        """Return the groups of a batch, which is grouped now unless it is the next that was grouped ahead."""
        if self._ahead and self._ahead[0].batch is batch:
            return self._ahead.popleft()
        return self._group(batch)

    def give_back(self, groups: BatchGroups) -> None:
        """End the use of groups: their memory holds those of a later batch from now on."""
        self._spare.append(groups.memory)

    def _group(self, batch: MergedBatch) -> BatchGroups:
        try:
            memory = self._spare.pop()
        except IndexError:
            memory = {name: Workspace() for name in self._channels.by_name()}
        tickers, lookups = len(self._symbols), TickLookups.of(batch)
        return BatchGroups(batch, tickers, lookups, self._channels.group(batch, lookups, tickers, memory), memory)
