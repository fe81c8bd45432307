"""Handlers of HTTP requests about channels: the health summary, and what one instance did lately."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tickstock_cli.serving.error_answers import AnswerError
from tickstock_cli.serving.hub import Hub


async def summary(request: Request) -> Response:
    """Return the state of every channel instance, performance issues with advice, and active alerts."""
    hub: Hub = request.app.state.hub
    return JSONResponse(await asyncio.to_thread(hub.served.status.debug))


async def channel(request: Request) -> Response:
    """Return the debug document of one channel instance."""
    hub: Hub = request.app.state.hub
    name = request.path_params["name"]
    document = await asyncio.to_thread(hub.served.status.debug_channel, name)
    if document is None:
        known = ", ".join(line["name"] for line in (await asyncio.to_thread(hub.served.status.debug))["channels"])
        raise AnswerError(404, f"no channel {name[:80]!r}; the run has {known or 'no channels'}", field="channel")
    return JSONResponse(document)
