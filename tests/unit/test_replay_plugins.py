"""What a replay tells, and a checkpoint keeps, of the plugins that were used."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from tests.cli.market import write_recording
from tests.unit.installing import install
from tickstock_cli.build import settings_from
from tickstock_cli.core import registry
from tickstock_cli.replaying import Request, fingerprint, plugins_of, read_options
from tickstock_cli.sources.opening import open_source
from tickstock_cli.testing import Tick, new_york

QUIET_HIGHS = "from tickstock_cli.detectors.highlow import HighLow as Highs"
JSON_LINES = "from tickstock_cli.sinks.jsonl import JsonlSink as Lines"


def test_named_detectors_and_sinks_are_in_the_result(site: Path) -> None:
    """And no other: what is installed and not named has no part in the outputs."""
    install(site, "acme", {"tickstock.detectors": {"quiet": "acme_quiet:Highs"}}, acme_quiet=QUIET_HIGHS)
    install(site, "acme-lines", {"tickstock.sinks": {"lines": "acme_lines:Lines"}}, acme_lines=JSON_LINES)
    plain, quiet = settings_from({}), settings_from({"detectors": {"enabled": ["highlow", "quiet"]}})

    assert plugins_of(Request(["day"], outs=["e.jsonl"]), plain) == ()
    told = plugins_of(Request(["day"], outs=["e.lines", "e.parquet", "lines:e"]), quiet)
    assert [(plugin.family, plugin.name, plugin.distribution) for plugin in told] == [
        ("detector", "quiet", "acme"),
        ("sink", "lines", "acme-lines"),
    ]


def test_a_checkpoint_does_not_fit_another_version_of_a_plugin(site: Path, tmp_path: Path) -> None:
    """Another version may find other events: the rest of the run would not follow from its first part."""
    install(site, "acme", {"tickstock.detectors": {"quiet": "acme_quiet:Highs"}}, acme_quiet=QUIET_HIGHS)
    request = Request([write_recording([Tick("ABC", new_york("2024-06-12", "09:30:00"), 1.0)], tmp_path / "day")])
    settings = settings_from({"detectors": {"enabled": ["quiet"]}})
    with closing(open_source(request.paths, read_options(request, settings))) as source:
        before = fingerprint(request, settings, source, {})
        (site / "acme-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.1\n")
        registry._installed.cache_clear()
        after = fingerprint(request, settings, source, {})

    assert {name for name in before if before[name] != after[name]} == {"the plugins"}
