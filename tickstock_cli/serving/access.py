"""Access rules: an optional token, allowed origins, and host names that DNS rebinding cannot use."""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tickstock_cli.serving.bounded import shortened
from tickstock_cli.serving.error_answers import error_document

OPEN_PATHS = ("/", "/health")
OPEN_PREFIX = "/static/"
"""Paths without a token: the page, which holds no data, and the health of the process, for its supervisor."""


@dataclass(frozen=True, slots=True)
class AccessRules:
    """Rules for connections.

    Parameters
    ----------
    token
        Token that a client must send, as ``Authorization: Bearer …`` or ``?token=…``; None = no token.
    loopback
        Whether only programs of this machine can reach the server.
    origins
        Origins of other pages (``https://example.org``) that browsers may connect from.
    """

    token: str | None = None
    loopback: bool = True
    origins: tuple[str, ...] = ()

    @property
    def may_control(self) -> bool:
        """Whether clients can control a run: on loopback, or with a token."""
        return self.loopback or self.token is not None

    def rejection(self, path: str, headers: Headers, query: str) -> tuple[int, str] | None:
        """Return status and reason for a request that the rules reject; None for one that passes."""
        origin, host = headers.get("origin"), headers.get("host", "")
        if origin is not None and origin not in self.origins and (not host or _netloc(origin) != host):
            return 403, f"origin {shortened(origin)} is not allowed; allow it with --origin"
        if self.loopback and self.token is None and not self._is_loopback_name(host):
            name = shortened(host)
            return 403, f"host {name} is not a name of this machine's loopback; connect to 127.0.0.1 or localhost"
        if self.token is None or path in OPEN_PATHS or path.startswith(OPEN_PREFIX):
            return None
        if not hmac.compare_digest(_sent_token(headers, query).encode(), self.token.encode()):
            return 401, "this server requires a token: Authorization: Bearer TOKEN, or ?token=TOKEN"
        return None

    def _is_loopback_name(self, host: str) -> bool:
        """Return whether a Host header is an address or ``localhost``, the names that DNS rebinding cannot use."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
            return name == "localhost" or ipaddress.ip_address(name) is not None
        except ValueError:
            return False


def _netloc(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _sent_token(headers: Headers, query: str) -> str:
    scheme, _, sent = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return sent.strip()
    return parse_qs(query).get("token", [""])[0]


class AccessGate:
    """Middleware that passes allowed requests and answers rejected ones, including WebSocket handshakes."""

    def __init__(self, app: ASGIApp, rules: AccessRules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with the rejection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        rejection = self._rules.rejection(scope["path"], Headers(scope=scope), scope["query_string"].decode("latin-1"))
        if rejection is None:
            await self._app(scope, receive, send)
            return
        status, reason = rejection
        challenge = {"WWW-Authenticate": "Bearer"} if status == 401 else None
        await JSONResponse(error_document(reason), status, challenge)(scope, receive, send)
