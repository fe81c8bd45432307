"""Handlers of HTTP requests: status, health, metrics, events, prices, control."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from tickstock_cli.errors import DamagedError, ExpiredError, TickstockError
from tickstock_cli.serving.bounded import MAX_TICKER, shortened
from tickstock_cli.serving.control import ControlError, perform, read_action
from tickstock_cli.serving.encoded import BLOCK_EVENTS, EncodedBlock, EncodedLog
from tickstock_cli.serving.error_answers import AnswerError
from tickstock_cli.serving.hub import Hub
from tickstock_cli.serving.metrics import CONTENT_TYPE, render_metrics
from tickstock_cli.serving.ports import ControlPort
from tickstock_cli.serving.protocol import Error, MessageError, Subscribe, read_message
from tickstock_cli.serving.selection import (
    RejectedError,
    Selection,
    expired,
    first_wanted,
    select,
    universe_named,
    unreadable,
)
from tickstock_cli.serving.served import ServedRun

MAX_BODY_BYTES = 16_384
MAX_EVENTS = 10_000
DEFAULT_EVENTS = 1_000
MAX_SCANNED = 100_000
"""Most events that one answer scans: a filter with few matches must not keep the server busy."""

LISTS = ("kinds", "tickers", "sources")
STATUS_OF_CODE = {"expired": 410, "ahead": 416, "other_run": 409, "unreadable": 500}


def _hub(request: Request) -> Hub:
    hub: Hub = request.app.state.hub
    return hub


def _document(hub: Hub) -> dict[str, Any]:
    market, health = hub.pulse()
    return {
        **hub.served.status.status(),
        "run": hub.served.id,
        "market": {"time": market.time, "phase": market.phase},
        "health": {"ok": health.ok, "reasons": list(health.reasons)},
        "server": hub.status(),
    }


async def status(request: Request) -> Response:
    """Return the dashboard document with the server's own part."""
    return JSONResponse(_document(_hub(request)))


async def health(request: Request) -> Response:
    """Return 200 if the run is healthy, else 503 with all reasons."""
    state = _hub(request).served.status.health()
    return JSONResponse({"ok": state.ok, "reasons": list(state.reasons)}, 200 if state.ok else 503)


async def metrics(request: Request) -> Response:
    """Return the values of ``/status`` for Prometheus."""
    return PlainTextResponse(render_metrics(_document(_hub(request))), media_type=CONTENT_TYPE)


async def events(request: Request) -> Response:
    """Return the first ``limit`` matching events from a sequence number on, or the last ones before another one."""
    hub = _hub(request)
    served, encoded = hub.served, hub.encoded
    try:
        wanted, limit, before = _wanted(request)
        selection = select(served, wanted)
        start = first_wanted(served, wanted)
        if before is None:
            texts, place = await _collect(encoded, selection, start, limit)
        else:
            texts, place = await _collect_before(encoded, selection, _end(served, before), limit)
    except (MessageError, RejectedError) as error:
        raise _as_answer(error.error) from error
    except ExpiredError as error:  # retention deleted them while the block was read
        raise _as_answer(expired(start, error.first_sequence)) from error
    except DamagedError as error:
        raise _as_answer(unreadable(error)) from error
    except TickstockError as error:
        raise AnswerError(500, str(error)) from error
    log = served.log
    head = {
        "run": served.id,
        "first_sequence": log.first_sequence,
        "last_sequence": log.next_sequence - 1,
        "finished": served.over,
        "next" if before is None else "previous": place,
    }
    body = f'{json.dumps(head)[:-1]}, "events": [{",".join(texts)}]}}'
    return Response(body, media_type="application/json")


def _as_answer(error: Error) -> AnswerError:
    more = error.model_dump(exclude_none=True, exclude={"type", "message"})
    return AnswerError(STATUS_OF_CODE.get(error.code, 400), error.message, **more)


def _end(served: ServedRun, before: int) -> int:
    following = served.log.next_sequence
    if not 1 <= before <= following:
        raise AnswerError(416, f"before must be 1 to {following}, the number of the next event", field="before")
    return before


def _wanted(request: Request) -> tuple[Subscribe, int, int | None]:
    """Read the query as a subscription, so that both take the same filters and reject the same values.

    Returns
    -------
    tuple
        The subscription, the most events of the answer, and the number before which they are, if one is given.
    """
    query = _query(request)
    limit = _whole("limit", query.pop("limit", str(DEFAULT_EVENTS)))
    if not 1 <= limit <= MAX_EVENTS:
        raise AnswerError(400, f"limit is {limit}, but must be 1 to {MAX_EVENTS:,}", field="limit")
    before = _whole("before", query.pop("before")) if "before" in query else None
    if before is not None and "from" in query:
        raise AnswerError(400, "give from or before, not both", field="before")
    message: dict[str, Any] = {"type": "subscribe", "from": "first", **query}
    message |= {
        name: _whole(name, query[name])
        for name in ("from", "min_priority")
        if name in query and query[name] not in ("now", "first")
    }
    wanted = read_message(json.dumps(message))
    assert isinstance(wanted, Subscribe)
    return wanted, limit, before


def _query(request: Request) -> dict[str, Any]:
    """Return the query by key. A list can be repeated (``kinds=a&kinds=b``), have commas, or both; no other key can."""
    query: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        if name in LISTS:
            query.setdefault(name, []).extend(value.split(","))
        elif name in query:
            raise AnswerError(400, f"{shortened(name)} is given more than once, but takes one value", field=name)
        elif name != "token":
            query[name] = value
    return query


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise AnswerError(400, f"{name} is {shortened(text)!r}, but must be a whole number", field=name) from error


async def _collect(encoded: EncodedLog, selection: Selection, start: int, limit: int) -> tuple[list[str], int]:
    """Return up to ``limit`` events as JSON, and the sequence number to continue from.

    Raises
    ------
    DamagedError
        The first events cannot be read. Events before damaged ones are returned without an error.
    """
    texts: list[str] = []
    place = start
    while place < encoded.log.next_sequence and place - start < MAX_SCANNED:
        try:
            block = await encoded.block(place)
        except DamagedError:
            if place > start:
                break
            raise
        for row in block.rows[place - block.first :]:
            if len(texts) == limit:
                return texts, place
            place += 1
            if selection.matches(row):
                texts.append(row.text)
    return texts, place


async def _collect_before(encoded: EncodedLog, selection: Selection, end: int, limit: int) -> tuple[list[str], int]:
    """Return up to ``limit`` events before ``end`` as JSON, and the sequence number to continue before.

    Raises
    ------
    DamagedError
        The last events cannot be read. Events behind damaged ones are returned without an error.
    """
    texts: list[str] = []
    place = end
    while place > encoded.log.first_sequence and end - place < MAX_SCANNED:
        try:
            block = await _block_before(encoded, place)
        except DamagedError:
            if place < end:
                break
            raise
        for row in reversed(block.rows[: place - block.first]):
            if len(texts) == limit:
                return texts[::-1], place
            place -= 1
            if selection.matches(row):
                texts.append(row.text)
    return texts[::-1], place


async def _block_before(encoded: EncodedLog, place: int) -> EncodedBlock:
    """Return a block that holds the event before ``place``. Raises DamagedError if it cannot be read."""
    start = max((place - 2) // BLOCK_EVENTS * BLOCK_EVENTS + 1, encoded.log.first_sequence)
    while True:
        try:
            block = await encoded.block(start)
        except DamagedError as error:
            if error.next_sequence >= place:
                raise
            start = error.next_sequence
            continue
        if block.next >= place:
            return block
        if block.last < place - 1:  # damage ends it; otherwise it has grown since another task read it
            start = block.next


async def universe(request: Request) -> Response:
    """Return the tickers of one of the universes in ``hello``."""
    name = request.query_params.get("name", "")
    try:
        tickers = universe_named(_hub(request).served, name, "name")
    except RejectedError as error:
        raise _as_answer(error.error) from error
    return JSONResponse({"name": name, "tickers": sorted(tickers)})


async def prices(request: Request) -> Response:
    """Return the recent prices of a ticker, if the run keeps them."""
    port = _hub(request).served.prices
    if port is None:
        raise AnswerError(404, "this run keeps no prices")
    ticker = request.query_params.get("ticker", "")
    if not ticker:
        raise AnswerError(400, "give a ticker: /api/prices?ticker=ABC", field="ticker")
    if len(ticker) > MAX_TICKER:
        raise AnswerError(400, f"a ticker has at most {MAX_TICKER} characters", field="ticker")
    line = await asyncio.to_thread(port.prices, ticker)
    return JSONResponse({"ticker": ticker, "times": list(line.times), "prices": list(line.prices)})


async def control(request: Request) -> Response:
    """Return the control status of the replay; POST performs an action before that."""
    port = _controlled(_hub(request))
    if request.method != "POST":
        return JSONResponse(dict(await asyncio.to_thread(port.status)))
    body = await _body(request, _hub(request).limits.request_seconds)
    try:
        wanted = read_action(body)
        return JSONResponse(dict(await asyncio.to_thread(perform, port, wanted)))
    except ControlError as error:
        raise AnswerError(400, str(error), field=error.field) from error
    except TickstockError as error:
        raise AnswerError(409, str(error), field=wanted.field) from error


def _controlled(hub: Hub) -> ControlPort:
    if hub.served.control is None:
        raise AnswerError(404, "this run has no control: only a replay under way has")
    if not hub.may_control:
        raise AnswerError(403, "control is off: serve on loopback, or with a token")
    return hub.served.control


async def _body(request: Request, seconds: float) -> bytes:
    body = b""
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise AnswerError(413, f"the body is longer than {MAX_BODY_BYTES:,} bytes")
    except ClientDisconnect as error:
        raise AnswerError(400, "the client left before the body was complete") from error
    except TimeoutError as error:
        raise AnswerError(408, f"the body was not complete within {seconds:g} s; send it at once") from error
    return body
