"""Verdicts, and the XML by which a CI system shows them."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from tickstock_cli.measurement.junit import junit
from tickstock_cli.measurement.verdict import TargetVerdict, failures

MET = TargetVerdict("tick_p99_ms", "Tick p99", "< 50 ms", 50, 12.5, "ms", ok=True)
MISSED = TargetVerdict(
    "tick_mean_ms", "Tick mean", "< 10 ms", 10, 61.2, "ms", ok=False, note="in <stage> open & close\x00"
)
UNMEASURED = TargetVerdict(
    "router_mean_ms", "Router", "< 5 ms", 5, None, "ms", ok=None, note="the router told no decision"
)
UNASKED = TargetVerdict("surge_p95_ms", "Surge", "< 150 ms", 150, None, "ms", ok=None, note="no surge", asked=False)
VERDICTS = [MET, MISSED, UNMEASURED, UNASKED]


def test_an_unmeasured_target_fails_and_one_not_asked_does_not() -> None:
    """Silence is no success."""
    assert failures(VERDICTS) == [MISSED, UNMEASURED]
    assert [verdict.word for verdict in VERDICTS] == ["ok", "failed", "not measured", "not asked"]


def test_junit_has_four_outcomes() -> None:
    """Passed, failure, error, skipped: with what was measured, whatever characters the notes have."""
    suite = ET.fromstring(junit("tickstock.loadtest.x", VERDICTS, seconds=30, properties={"python": "3.11"}))[0]
    cases = {case.get("name"): case for case in suite.iter("testcase")}

    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped", "time")} == {
        "tests": "4", "failures": "1", "errors": "1", "skipped": "1", "time": "30.000",
    }  # fmt: skip
    assert [child.tag for child in cases["Tick p99 < 50 ms"]] == ["system-out"]
    assert cases["Tick mean < 10 ms"][0].get("message") == "61.2 ms; in <stage> open & close\ufffd"
    assert cases["Router < 5 ms"][0].tag == "error"
    assert cases["Surge < 150 ms"][0].get("message") == "no surge"
    assert suite.find("properties/property[@name='python']") is not None


def test_without_verdicts_there_is_an_empty_suite() -> None:
    """A run that was ended before anything could be judged."""
    assert ET.fromstring(junit("x", []))[0].get("tests") == "0"
