"""Which plugins had a part in a load test, and where it is told."""

from __future__ import annotations

import json
from pathlib import Path

from tests.unit.installing import install
from tests.unit.loadtest.observed import observed
from tickstock_cli.loadtest.catalogue import load_scenario
from tickstock_cli.loadtest.orchestrator import plugins_of
from tickstock_cli.loadtest.report import report
from tickstock_cli.loadtest.result import judged, verdicts_json
from tickstock_cli.loadtest.run_differences import run_differences
from tickstock_cli.loadtest.settings import system_settings

QUIET = {"family": "detector", "name": "quiet", "distribution": "acme", "version": "1.0"}


def test_detectors_and_transports_of_other_packages_are_told(site: Path) -> None:
    """And no other: what is installed and not named has no part in the figures."""
    detector = "from tickstock_cli.detectors.highlow import HighLow as Highs"
    transport = "from tickstock_cli.loadtest.transport.pipe import Pipe as Shm"
    install(site, "acme", {"tickstock.detectors": {"quiet": "acme_quiet:Highs"}}, acme_quiet=detector)
    install(site, "acme-shm", {"tickstock.transports": {"shm": "acme_shm:Shm"}}, acme_shm=transport)
    plain = system_settings(load_scenario("steady_state", []))
    named = system_settings(load_scenario("steady_state", ['settings.detectors.enabled=["highlow", "quiet"]']))

    assert plugins_of(plain, "pipe") == ()
    assert [plugin.as_dict() for plugin in plugins_of(named, "pipe")] == [QUIET]
    assert [plugin.name for plugin in plugins_of(named, "shm")] == ["quiet", "shm"]


def test_a_report_shows_them_beside_the_transport() -> None:
    """Whoever holds two figures against each other must know whose code gave them."""
    result = judged(observed(plugins=(QUIET,)))

    assert json.loads(verdicts_json([result], ["run"]))["plugins"] == [QUIET]
    page = report(result)
    assert "detector quiet" in page
    assert "acme 1.0" in page


def test_runs_with_other_plugins_are_not_alike() -> None:
    """By version, and by a plugin that only one of them had."""
    newer = {**QUIET, "version": "1.1"}
    first, second, third = (judged(observed(plugins=plugins)) for plugins in ((QUIET,), (newer,), ()))

    assert run_differences([first, second, third]) == [
        "Run 2 had another detector quiet than run 1: acme 1.0 and acme 1.1",
        "Run 3 had another detector quiet than run 1: acme 1.0 and none",
    ]
