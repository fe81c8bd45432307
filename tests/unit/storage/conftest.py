"""The server that the tests of object stores share."""

from __future__ import annotations

from tests.object_server import known, objects

__all__ = ["known", "objects"]
