"""The market data service: the entry points for feeds of the older system."""

from __future__ import annotations

from dataclasses import dataclass

from tickstock_cli.runtime.records import Data
from tickstock_cli.runtime.results import EventProcessingResult
from tickstock_cli.runtime.system import MultiChannelSystem


@dataclass(frozen=True, slots=True)
class MarketDataService:
    """Passes data of a feed to the system. A call takes one record, or several of one type."""

    system: MultiChannelSystem

    async def handle_tick_data(self, data: Data) -> EventProcessingResult:
        """Process trades; see `MultiChannelSystem.process_tick_data`."""
        return await self.system.process_tick_data(data)

    async def handle_websocket_tick(self, data: Data) -> EventProcessingResult:
        """Process trades, under the older name."""
        return await self.handle_tick_data(data)

    async def handle_ohlcv_data(self, data: Data) -> EventProcessingResult:
        """Process finished bars."""
        return await self.system.process_ohlcv_data(data)

    async def handle_fmv_data(self, data: Data) -> EventProcessingResult:
        """Process fair market values."""
        return await self.system.process_fmv_data(data)
