"""Replay, backtest, load-test and run a market-event system."""

__version__ = "0.1.0"
