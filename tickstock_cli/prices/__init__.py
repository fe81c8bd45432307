"""Prices of a recording in the sequence of docs/backtest.md: prints, openings of bars, events, trading days."""
