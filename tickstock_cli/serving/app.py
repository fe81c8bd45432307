"""The web application: the page, the WebSocket and the HTTP API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from tickstock_cli.serving import answers, debug, error_answers
from tickstock_cli.serving.access import AccessGate, AccessRules
from tickstock_cli.serving.hub import ConnectionCounts, Hub, Limits
from tickstock_cli.serving.served import ServedRun
from tickstock_cli.serving.session import ClientSession

STATIC = Path(__file__).parent / "static"

SAFETY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # the address may hold a token
    "Cache-Control": "no-cache",
}


class Companion(Protocol):
    """An additional endpoint with its own tasks, such as Socket.IO."""

    app: ASGIApp

    def start(self, hub: Hub) -> None:
        """Start the tasks, in the event loop."""

    async def stop(self) -> None:
        """End the tasks."""


def build_app(
    served: ServedRun,
    rules: AccessRules,
    limits: Limits,
    ready: Callable[[Hub], None],
    companions: Mapping[str, Companion],
    connections: ConnectionCounts,
) -> Starlette:
    """Build the application.

    Parameters
    ----------
    companions
        Additional endpoints by path.
    ready
        Called in the event loop, with the hub, once the application has started.
    connections
        Counts of the server's connections, for ``/status``.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.hub = hub = Hub(served, limits, rules.may_control, connections)
        for companion in companions.values():
            companion.start(hub)
        ready(hub)
        try:
            yield
        finally:
            for companion in companions.values():
                await companion.stop()
            hub.close()

    app = Starlette(
        routes=[
            Route("/", _page),
            Mount("/static", StaticFiles(directory=STATIC)),
            WebSocketRoute("/ws", _websocket),
            Route("/status", answers.status),
            Route("/health", answers.health),
            Route("/metrics", answers.metrics),
            Route("/debug", debug.summary),
            Route("/debug/channels/{name}", debug.channel),
            Route("/api/events", answers.events),
            Route("/api/universe", answers.universe),
            Route("/api/prices", answers.prices),
            Route("/api/control", answers.control, methods=["GET", "POST"]),
            *(Mount(path, companion.app) for path, companion in companions.items()),
        ],
        middleware=[Middleware(error_answers.StopAnswers), Middleware(SafetyHeaders), Middleware(AccessGate, rules)],
        exception_handlers={
            error_answers.AnswerError: error_answers.explain,
            HTTPException: error_answers.explain_http,
            Exception: error_answers.explain_fault,
        },
        lifespan=lifespan,
    )
    app.router.default = error_answers.unknown_path
    return app


async def _page(request: Request) -> FileResponse:  # noqa: ARG001 - starlette's signature
    return FileResponse(STATIC / "index.html")


async def _websocket(websocket: WebSocket) -> None:
    hub: Hub = websocket.app.state.hub
    if hub.full:
        reason = f"the server has {hub.limits.max_clients} clients, its limit; try again later"
        await websocket.send_denial_response(JSONResponse(error_answers.error_document(reason), 503))
        return
    await ClientSession(hub, websocket).run()


class SafetyHeaders:
    """Middleware that adds security headers for browsers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and add the headers to its response."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SAFETY_HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)
