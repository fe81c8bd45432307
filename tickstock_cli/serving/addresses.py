"""Addresses of servers, as clients write them."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from tickstock_cli.core.host_names import is_host_name
from tickstock_cli.errors import UsageError

DEFAULT_PORT = 8765
"""Port of a server without another one."""

SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


def websocket_url(text: str) -> str:
    """Return the address of a server's WebSocket for the address of its page or for ``HOST[:PORT]``.

    Without a scheme and a port, the port is ``DEFAULT_PORT``; a scheme has its own, which a proxy listens on.

    Raises
    ------
    UsageError
        The text is no address.

    Examples
    --------
    >>> [websocket_url(text) for text in ("http://localhost:8765/", "desk:80", "wss://desk.example/feed/ws")]
    ['ws://localhost:8765/ws', 'ws://desk:80/ws', 'wss://desk.example/feed/ws']
    >>> [websocket_url(text) for text in ("localhost", "[::1]", "http://desk")]
    ['ws://localhost:8765/ws', 'ws://[::1]:8765/ws', 'ws://desk/ws']
    """
    named = "//" in text
    try:
        parts = urlsplit(text if named else f"http://{text}")
        port = parts.port
    except ValueError as error:
        raise _no_address(text) from error
    if parts.scheme not in SCHEMES or not is_host_name(parts.hostname or ""):
        raise _no_address(text)
    host = parts.netloc if named or port is not None else f"{parts.netloc.rstrip(':')}:{DEFAULT_PORT}"
    path = parts.path if parts.path.endswith("/ws") else f"{parts.path.rstrip('/')}/ws"
    return urlunsplit((SCHEMES[parts.scheme], host, path, parts.query, ""))


def _no_address(text: str) -> UsageError:
    return UsageError(f"{text} is not the address of a server; write HOST, HOST:PORT or http://HOST:PORT")
