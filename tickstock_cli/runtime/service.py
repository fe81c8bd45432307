"""The market data service: the names under which feeds of the older system hand in their data."""

from __future__ import annotations

from dataclasses import dataclass

from tickstock_cli.runtime.records import Data
from tickstock_cli.runtime.results import EventProcessingResult
from tickstock_cli.runtime.system import MultiChannelSystem


@dataclass(frozen=True, slots=True)
class MarketDataService:
    """Hands what comes from a feed to the system: one record or several of one type a call."""

    system: MultiChannelSystem

    async def handle_tick_data(self, data: Data) -> EventProcessingResult:
        """Take trades."""
        return await self.system.process_tick_data(data)

    async def handle_websocket_tick(self, data: Data) -> EventProcessingResult:
        """Take trades, under the name from when everything came this way."""
        return await self.handle_tick_data(data)

    async def handle_ohlcv_data(self, data: Data) -> EventProcessingResult:
        """Take finished bars."""
        return await self.system.process_ohlcv_data(data)

    async def handle_fmv_data(self, data: Data) -> EventProcessingResult:
        """Take fair market values."""
        return await self.system.process_fmv_data(data)
