"""Transports carry rows from the load generator to the system. A new one is one file here and one line below."""

from __future__ import annotations

from tickstock_cli.core.registry import Family

PARTS = {
    "pipe": "tickstock_cli.loadtest.transport.pipe:Pipe",
    "ws": "tickstock_cli.loadtest.transport.ws:LoopbackWebSocket",
}
"""Name -> class; `tests/contract` holds each to `transport.base.Transport`."""

TRANSPORTS = Family("transport", PARTS, ("connect", "listen", "read", "write"))
