"""The page by keyboard."""

from __future__ import annotations

import pytest

from tests.browser.chromium import Page
from tests.browser.listing import received
from tests.unit.serving.served_runs import NewLog, Steered, served


@pytest.mark.parametrize("clicked", ["#events tbody button", "#kinds input", "#older", "#alerts-title", "#ahead"])
def test_keys_work_after_a_click(page: Page, new_log: NewLog, clicked: str) -> None:
    """The focus stays on what was clicked; space and + must go to the market, and not to a ticker or a filter."""
    steered = Steered()
    with served(new_log(400), control=steered) as server:
        page.open(server.server.url)
        received(page, 400)
        page.wait_for("document.querySelector('#speed').value === '20'")
        page.point(clicked)
        paused = page.text("#pause")
        checked = page.evaluate("document.querySelectorAll('#kinds input:checked').length")
        page.press(" ")
        page.wait_for(f"document.querySelector('#pause').textContent !== '{paused}'")
        page.press("+")
        page.wait_for("document.querySelector('#speed').value === '40'")

        assert page.evaluate("document.querySelectorAll('#kinds input:checked').length") == checked


def test_the_space_bar_presses_a_button_that_the_keyboard_reached(page: Page, new_log: NewLog) -> None:
    """Without a mouse it is how a button is pressed."""
    steered = Steered()
    with served(new_log(5), control=steered) as server:
        page.open(server.server.url)
        page.wait_for("document.querySelector('#speed').value === '20'")
        while page.tab() != "step":
            continue
        page.press(" ")
        page.wait_for("document.querySelector('#pause').textContent === 'Go on'")

    assert steered.asked == ["step"]


def test_the_list_is_one_stop_of_the_tab_key(page: Page, new_log: NewLog) -> None:
    """300 tickers stood between the filters and the chart; arrow keys go through them."""
    with served(new_log(400)) as server:
        page.open(server.server.url)
        received(page, 400)
        page.evaluate("document.querySelector('#older').focus()")
        stops = 1
        while page.tab() != "ticker":
            stops += 1
            assert stops < 5
            page.press("ArrowDown")
            page.press("ArrowDown")
            focused = page.evaluate("document.activeElement.closest('tr')?.dataset.sequence")

    assert focused == "399"


def test_everything_can_be_reached_by_keyboard(page: Page, new_log: NewLog) -> None:
    """Fields have names, and nothing that reacts to a click is not focusable."""
    with served(new_log(5), control=Steered()) as server:
        page.open(server.server.url)
        received(page, 5)
        nameless = page.evaluate(
            "[...document.querySelectorAll('input, select, button')]"
            ".filter(field => !field.labels?.length && !field.ariaLabel && !field.textContent.trim())"
            ".map(field => field.outerHTML)"
        )
        page.press("/")

        assert nameless == []
        assert page.evaluate("document.activeElement.id") == "tickers"
