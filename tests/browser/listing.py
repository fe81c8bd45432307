"""The page, as its tests read it: the list of events, and what stands around it."""

from __future__ import annotations

from tests.browser.chromium import Page

ROWS = "document.querySelectorAll('#events tbody tr')"
SEQUENCES = f"[...{ROWS}].map(row => Number(row.dataset.sequence))"


def received(page: Page, count: int) -> None:
    """Wait until the page has drawn the newest event, which has this number, and so many are in the log."""
    page.wait_for(
        f"document.querySelector('#total').textContent === '{count:,}'"
        f" && document.querySelector('#place').textContent.endsWith('to {count:,}')"
    )


def kinds(page: Page) -> set[str]:
    """Return the kinds in the list of events."""
    return set(page.evaluate("[...document.querySelectorAll('#events .kind')].map(kind => kind.textContent)"))


def place(page: Page) -> tuple[int, str, str]:
    """Return the number of rows, and what the page says of them."""
    return page.evaluate(f"{ROWS}.length"), page.text(".count"), page.text("#place")
