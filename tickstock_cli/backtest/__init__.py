"""Backtests: one pass over a recording that judges its events, trades them, and says what that is worth."""
