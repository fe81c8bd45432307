"""Headless Chromium, driven through the DevTools protocol: the least that the tests of the page need."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from time import sleep
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=BackForwardCache",  # pages that were left would go on using the processor
    "--remote-debugging-port=0",
)
PATIENCE_SECONDS = 60
"""After this long a page that does not do what it should has failed."""


def find_chromium() -> str | None:
    """Return the program, None if there is none that runs: a package may have left a mere placeholder."""
    return next((program for program in map(shutil.which, PROGRAMS) if program and _runs(program)), None)


def _runs(program: str) -> bool:
    try:
        told = subprocess.run([program, "--version"], capture_output=True, timeout=PATIENCE_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return told.returncode == 0


class Page:
    """One page of the browser."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._numbers = count(1)
        self.complaints: list[str] = []
        """Errors that the page's scripts raised or wrote to the console, or that the browser logged."""
        self._loaded = 0
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol, and return its result."""
        number = next(self._numbers)
        self._connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._connection.recv(timeout=2 * PATIENCE_SECONDS))
            self._note(message)
            if message.get("id") == number:
                assert "error" not in message, message["error"]
                result: dict[str, Any] = message["result"]
                return result

    def _note(self, message: dict[str, Any]) -> None:
        if message.get("method") == "Page.loadEventFired":
            self._loaded += 1
        elif message.get("method") == "Runtime.exceptionThrown":
            details = message["params"]["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", details["text"]))
        elif message.get("method") == "Runtime.consoleAPICalled" and message["params"]["type"] == "error":
            self.complaints.append(" ".join(str(value.get("value")) for value in message["params"]["args"]))
        elif message.get("method") == "Log.entryAdded" and message["params"]["entry"]["level"] == "error":
            self.complaints.append(message["params"]["entry"]["text"])

    def open(self, url: str) -> None:
        """Go to an address, and wait until it is loaded."""
        self._and_load("Page.navigate", url=url)

    def reload(self) -> None:
        """Load the page anew."""
        self._and_load("Page.reload")

    def _and_load(self, method: str, **parameters: Any) -> None:
        before = self._loaded
        self.call(method, **parameters)
        while self._loaded == before:
            self._note(json.loads(self._connection.recv(timeout=2 * PATIENCE_SECONDS)))

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, awaited if it is a promise."""
        result = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait_for(self, condition: str) -> None:
        """Wait until a JavaScript condition holds, or the promise of one."""
        for _ in range(PATIENCE_SECONDS * 20):
            if self.evaluate(f"Promise.resolve({condition}).then(Boolean)"):
                return
            sleep(0.05)
        raise AssertionError(f"never came true: {condition}\n{self.evaluate('document.body.innerText')}")

    def text(self, selector: str) -> str:
        """Return the text of the first element that a selector finds."""
        return str(self.evaluate(f"document.querySelector({json.dumps(selector)})?.textContent ?? ''"))

    def click(self, selector: str) -> None:
        """Click an element."""
        self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    def point(self, selector: str) -> None:
        """Click an element with the mouse, which gives it the focus."""
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, selector)

    def mouse(self, kind: str, selector: str) -> None:
        """Press or release the mouse in the middle of an element."""
        query = f"document.querySelector({json.dumps(selector)})"
        self.evaluate(f"{query}.scrollIntoView({{block: 'center'}})")
        x, y, width, height = self.evaluate(
            f"(box => [box.x, box.y, box.width, box.height])({query}.getBoundingClientRect())"
        )
        place = {"x": x + width / 2, "y": y + height / 2}
        self.call("Input.dispatchMouseEvent", type=kind, **place, button="left", clickCount=1)

    def tab(self) -> str:
        """Press the tab key, and return the id of the element that has the focus then."""
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        return str(self.evaluate("document.activeElement.id"))

    def type(self, selector: str, text: str) -> None:
        """Put text in the place of what stands in a field, as if typed."""
        self.evaluate(f"document.querySelector({json.dumps(selector)}).select()")
        self.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")
        self.call("Input.insertText", text=text)
        self.press("Enter", "\r")

    def press(self, key: str, text: str | None = None) -> None:
        """Press and release a key."""
        pressed = {"key": key, "text": key if text is None and len(key) == 1 else text or ""}
        self.call("Input.dispatchKeyEvent", type="keyDown", **pressed)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def look_like(self, width: int, height: int, *, scheme: str = "light", mobile: bool = False) -> None:
        """Take a size in CSS pixels and a colour scheme."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=2 if mobile else 1, mobile=mobile,
        )  # fmt: skip
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])


@contextmanager
def browser(program: str, profile: Path) -> Iterator[Page]:
    """Start Chromium with a new profile, and return its page."""
    with subprocess.Popen(
        [program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            # No pings: a machine that has stalled for a while has not lost its browser.
            options: dict[str, Any] = {"open_timeout": PATIENCE_SECONDS, "ping_interval": None, "proxy": None}
            with connect(_address(profile), max_size=2**26, **options) as connection:
                yield Page(connection)
        finally:
            process.terminate()


def _address(profile: Path) -> str:
    """Return where the first page listens, once it does."""
    for _ in range(PATIENCE_SECONDS * 20):
        announced = profile / "DevToolsActivePort"
        if announced.exists() and (lines := announced.read_text().splitlines()):
            targets = httpx.get(f"http://127.0.0.1:{lines[0]}/json/list", timeout=PATIENCE_SECONDS).json()
            pages = [target["webSocketDebuggerUrl"] for target in targets if target["type"] == "page"]
            if pages:
                return str(pages[0])
        sleep(0.05)
    raise AssertionError("Chromium never told where it listens")
