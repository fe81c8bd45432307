"""Who may connect: an optional token, pages of our own origin, and names that nobody else can point at us."""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

OPEN_PATHS = ("/", "/health")
OPEN_PREFIX = "/static/"
"""What needs no token: the page, which holds no data, and the health of the process for whoever supervises it."""


@dataclass(frozen=True, slots=True)
class AccessRules:
    """Who may do what.

    Parameters
    ----------
    token
        What a client must show, as ``Authorization: Bearer …`` or ``?token=…``; None = nothing.
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
        """Whether clients may steer a run: not if anybody on the network could."""
        return self.loopback or self.token is not None

    def refusal(self, path: str, headers: Headers, query: str) -> tuple[int, str] | None:
        """Return status and reason if a request may not pass."""
        origin, host = headers.get("origin"), headers.get("host", "")
        if origin is not None and origin not in self.origins and (not host or _netloc(origin) != host):
            return 403, f"origin {origin} is not allowed; name it with --origin"
        if self.loopback and self.token is None and not self._names_us(host):
            return 403, f"host {host} is not a name of this machine's loopback; connect to 127.0.0.1 or localhost"
        if self.token is None or path in OPEN_PATHS or path.startswith(OPEN_PREFIX):
            return None
        if not hmac.compare_digest(_shown_token(headers, query).encode(), self.token.encode()):
            return 401, "this server wants a token: Authorization: Bearer TOKEN, or ?token=TOKEN"
        return None

    def _names_us(self, host: str) -> bool:
        """Return whether a Host header is an address, or the one name that no foreign page can make point here."""
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


def _shown_token(headers: Headers, query: str) -> str:
    scheme, _, shown = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return shown.strip()
    return parse_qs(query).get("token", [""])[0]


class AccessGate:
    """Lets through what the rules allow; answers the rest itself, WebSocket handshakes included."""

    def __init__(self, app: ASGIApp, rules: AccessRules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._rules.refusal(scope["path"], Headers(scope=scope), scope["query_string"].decode("latin-1"))
        if refusal is None:
            await self._app(scope, receive, send)
            return
        status, reason = refusal
        challenge = {"WWW-Authenticate": "Bearer"} if status == 401 else None
        await JSONResponse({"error": {"message": reason}}, status, challenge)(scope, receive, send)
