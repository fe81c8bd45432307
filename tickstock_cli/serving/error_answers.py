"""Error answers over HTTP. All of them have one form, ``{"error": {"message": …}}``; a browser's window gets a page."""

from __future__ import annotations

import asyncio
from html import escape
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from tickstock_cli.serving.bounded import MAX_MESSAGE, shortened

PATHS = "/, /ws, /status, /health, /metrics, /debug, /api/events, /api/universe, /api/prices and /api/control"
API_PREFIX = "/api/"

PAGE = """<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>tickstock</title>
    <link rel="stylesheet" href="/static/style.css">
  </head>
  <body>
    <header><h1>tickstock</h1></header>
    <main><section><p>{message}</p><p><a href="/">Go to the events.</a></p></section></main>
  </body>
</html>
"""


def error_document(message: str, **more: Any) -> dict[str, Any]:
    """Return the body of an error answer. Text is cut to ``MAX_MESSAGE`` characters, other texts to ``MAX_SHOWN``."""
    short = {name: shortened(value) if isinstance(value, str) else value for name, value in more.items()}
    return {"error": {"message": shortened(message, MAX_MESSAGE), **short}}


class AnswerError(Exception):
    """An error answer to a request: a status and a document with the keys of ``Error``."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.document = error_document(message, **more)


async def explain(request: Request, error: Exception) -> Response:  # noqa: ARG001 - starlette's signature
    """Answer a request that failed with an ``AnswerError``."""
    assert isinstance(error, AnswerError)
    return JSONResponse(error.document, error.status)


async def explain_http(request: Request, error: Exception) -> Response:
    """Answer a request for an unknown path, or with a method that the path does not take."""
    assert isinstance(error, HTTPException)
    path, method = shortened(request.url.path), shortened(request.method)
    headers = dict(error.headers or {})
    if error.status_code == 404:
        message = f"nothing is at {path}; the paths are {PATHS}"
    elif error.status_code == 405:
        methods = sorted(headers.get("Allow", "GET").split(", "))
        message = f"{path} does not take {method}; it takes {', '.join(methods)}"
    else:
        message = error.detail
    if _is_window(request):
        return HTMLResponse(PAGE.format(message=escape(message)), error.status_code, headers)
    return JSONResponse(error_document(message), error.status_code, headers)


async def explain_fault(request: Request, error: Exception) -> Response:  # noqa: ARG001 - starlette's signature
    """Answer a request that failed by a fault of the server; the traceback is in the server's log, not here."""
    return JSONResponse(error_document("the server failed to answer; its log says why"), 500)


class StopAnswers:
    """Middleware that answers requests which a stopping server cancels."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; answer 503 if it is cancelled before its answer has begun."""
        begun = False

        async def send_and_note(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except asyncio.CancelledError:
            if scope["type"] != "http" or begun:
                raise
            answer = JSONResponse(error_document("the server is stopping; try again later"), 503)
            await answer(scope, receive, send)


async def unknown_path(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request or a handshake for a path that does not exist."""
    if scope["type"] == "websocket":
        message = f"no WebSocket is at {shortened(scope['path'])}; connect to /ws"
        await WebSocket(scope, receive, send).send_denial_response(JSONResponse(error_document(message), 404))
        return
    raise HTTPException(404)


def _is_window(request: Request) -> bool:
    """Return whether a person opened the address in a browser, rather than a program."""
    wants_page = "text/html" in request.headers.get("accept", "")
    return wants_page and request.method == "GET" and not request.url.path.startswith(API_PREFIX)
