"""Logs to serve: real ones, in folders that pytest deletes."""

from __future__ import annotations

from tests.unit.serving.served_runs import new_log

__all__ = ["new_log"]
