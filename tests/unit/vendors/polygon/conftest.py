"""The key of all tests of the feed."""

from __future__ import annotations

import pytest

from tests.unit.vendors.polygon.scripted_vendor import KEY


@pytest.fixture(autouse=True)
def key_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the key of the environment."""
    monkeypatch.setenv("POLYGON_API_KEY", KEY)
    monkeypatch.delenv("MASSIVE_API_KEY", raising=False)
