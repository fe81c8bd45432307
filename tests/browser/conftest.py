"""A browser for the tests of the page; without one they skip, and say why."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.chromium import Page, browser, find_chromium
from tests.unit.serving.served_runs import new_log

__all__ = ["new_log"]


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Return a page of a headless browser, which all tests share."""
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    with browser(program, tmp_path_factory.mktemp("chromium")) as page:
        yield page


@pytest.fixture
def page(chromium: Page) -> Iterator[Page]:
    """Return the page as a desktop shows it; a test must leave it without an error of a script."""
    chromium.look_like(1280, 900)
    chromium.complaints.clear()
    yield chromium
    complaints = list(chromium.complaints)
    chromium.open("about:blank")  # a page left open would go on looking for its server
    assert complaints == []
