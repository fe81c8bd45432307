"""Status messages of the vendor, each a frame of its own."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

CONNECTED = ("connected", "Connected Successfully")
AUTHENTICATED = ("auth_success", "authenticated")
WRONG_KEY = ("auth_failed", "authentication failed")
NOT_IN_PLAN = ("auth_failed", "Your plan doesn't include websocket access.")
AUTH_REQUIRED = ("auth_required", "authentication required")
AUTH_TIMEOUT = ("auth_timeout", "authentication timed out")
NOT_AUTHORIZED = ("error", "not authorized")
NO_REAL_TIME = (
    "error",
    "You don't have access real-time data. Please use the delayed feed, or sign the agreements of the exchanges.",
)
MAX_CONNECTIONS = (
    "max_connections",
    "Maximum number of websocket connections exceeded. You have reached the connection limit for your account.",
)
SLOW_CONSUMER = ("slow_consumer", "The client does not read fast enough.")

Status = tuple[str, str]
"""Status and message of one status event."""


def status_event(status: Status) -> bytes:
    """Return the JSON of one status event."""
    return msgspec.json.encode({"ev": "status", "status": status[0], "message": status[1]})


def status_frame(*statuses: Status) -> bytes:
    """Return a frame of status events."""
    return b"[" + b",".join(map(status_event, statuses)) + b"]"


def acknowledgements(verb: str, items: Sequence[str]) -> list[Status]:
    """Return one acknowledgement per item; ``verb`` is ``subscribed`` or ``unsubscribed``."""
    return [("success", f"{verb} to: {item}") for item in items]
