"""The client in docs/websocket.md is a client."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.unit.serving.served_runs import NewLog, served

PAGE = Path(__file__).parents[3] / "docs" / "websocket.md"


def test_the_documented_client_prints_the_events(new_log: NewLog, capsys: pytest.CaptureFixture[str]) -> None:
    """As it stands there, but for the port."""
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert code is not None
    log = new_log(10)
    log.finish()
    names: dict[str, Any] = {}
    with served(log) as server:
        exec(code[1].replace("8765", str(server.server.port)), names)

    assert capsys.readouterr().out == "2 GHI surge 100.02\n7 DEF surge 100.07\n"
    assert names["place"] == {"run": "run-1", "next": 11}
