"""Everything that others need of a kind comes from its declaration: shown on a detector that only tests register."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.cli.market import write_recording
from tests.unit.detectors.vwap_cross import registered
from tickstock_cli.build import build_core, build_event_schema, event_kinds, settings_model
from tickstock_cli.cli.render_phrases import KindPhrases
from tickstock_cli.core.digest import EventDigest
from tickstock_cli.core.events import EVENT, EVENT_SCHEMA, SOURCES, event_ids
from tickstock_cli.core.kinds import Column, Kind, join_kinds, trigger_words
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.detectors import DETECTORS
from tickstock_cli.errors import SettingsError
from tickstock_cli.loadtest.catalogue import load_scenario
from tickstock_cli.loadtest.settings import system_settings
from tickstock_cli.replaying import Request, replay
from tickstock_cli.review.diff import compare_files
from tickstock_cli.review.explain import explain
from tickstock_cli.serving.protocol import KindModel
from tickstock_cli.testing import SECOND, ListSource, Tick, new_york, run_records, settings_of

START = new_york("2024-06-12", "10:00:00")
ALL = [*DETECTORS.parts, "vwap_cross"]
PRICES = ((100.0, 100.0), (101.0, 100.0), (99.0, 2000.0), (101.5, 100.0), (98.5, 100.0))
"""Price and shares of ticks, a second apart: above the average, below it on heavy volume, above, a little below."""

BELOW = (10_000 + 10_100 + 198_000 + 10_150) / 2_300
"""The average before the last of them."""

IDS = {
    "high": 16054963261060517380, "low": 13070149578070240611, "surge": 7320109102120963799,
    "trend": 1052978266196760507, "fmv": 10095924452212731220,
}  # fmt: skip
"""Published ids of ABC's events of ticks at 2024-06-12 16:00 UTC."""
SOURCE_IDS = (
    16054963261060517380, 22883076828728331, 4404745595910995623, 9822401939960974393, 5545796400751817199,
)  # fmt: skip
"""Published ids of a high of each source at that time."""


def ticks() -> list[Tick]:
    """Return ticks that cross the average three times."""
    return [Tick("ABC", START + n * SECOND, price, size) for n, (price, size) in enumerate(PRICES)]


def ids(kinds: list[Kind], sources: list[int]) -> list[int]:
    """Return the ids of an event of every kind and source, of one ticker and time."""
    events = np.zeros(len(kinds) * len(sources), dtype=EVENT)
    events["kind"] = np.repeat(np.arange(len(kinds)), len(sources))
    events["source"] = sources * len(kinds)
    events["timestamp"] = 1_718_208_000 * 10**9
    return [int(one) for one in event_ids(events, kinds, SymbolTable(["ABC"]).hashes())]


def replayed(folder: Path, name: str = "events.parquet", **settings: Any) -> tuple[Path, str]:
    """Replay the ticks with every detector on; return the file and the digest."""
    model = settings_of(
        {"detectors.enabled": ALL, **{key.replace("__", "."): value for key, value in settings.items()}}
    )
    recording = write_recording(ticks(), folder / "recording")
    result = replay(Request([recording], outs=[str(folder / name)], settings=model))
    return folder / name, result.digest


def test_published_ids_stay() -> None:
    """Clients keep ids: a release must not change that of an event."""
    kinds = list(event_kinds())

    assert dict(zip([kind.name for kind in kinds], ids(kinds, [0]), strict=True)) == IDS
    assert tuple(ids(kinds[:1], list(range(len(SOURCES))))) == SOURCE_IDS


def test_kinds_whose_names_begin_alike_have_ids_of_their_own() -> None:
    """The first eight letters had been all that counted."""
    kinds = [Kind(name, 1) for name in ("vwap_cross_up", "vwap_cross_down", "vwap_cro", "vwap_cros")]

    assert len(set(ids(kinds, list(range(len(SOURCES)))))) == len(kinds) * len(SOURCES)


def test_codes_of_words_and_kinds_are_those_of_the_first_release() -> None:
    """They stand in checkpoints."""
    assert [kind.name for kind in event_kinds()] == ["high", "low", "surge", "trend", "fmv"]
    assert trigger_words(event_kinds()) == (
        None, "price_and_volume", "price", "volume", "undervalued", "overvalued",
    )  # fmt: skip


def test_a_detector_that_is_off_changes_nothing() -> None:
    """Neither events nor digest nor columns, nor what runs by default."""
    default = settings_model()().detectors.enabled
    before = run_records(ticks())
    with registered():
        after = run_records(ticks())
        assert settings_model()().detectors.enabled == default
        assert build_event_schema(settings_of({})).equals(EVENT_SCHEMA)

    assert (after.events, after.result.digest) == (before.events, before.result.digest)


@pytest.mark.usefixtures("vwap_cross")
def test_files_hold_the_column_and_the_word_of_a_kind(tmp_path: Path) -> None:
    """Null in events of other kinds; the common columns come first and stay what they are."""
    table = pq.read_table(replayed(tmp_path)[0])
    crossings = [event for event in table.to_pylist() if event["kind"].startswith("vwap_cross")]
    lines = [json.loads(line) for line in replayed(tmp_path, "events.jsonl")[0].read_text().splitlines()]

    assert table.schema.names == [*EVENT_SCHEMA.names, "vwap"]
    assert [(event["kind"], event["vwap"], event["trigger"]) for event in crossings] == [
        ("vwap_cross_down", 100.5, "heavy_volume"),
        ("vwap_cross_up", pytest.approx((10_000 + 10_100 + 198_000) / 2_200), None),
        ("vwap_cross_down", pytest.approx(BELOW), None),
    ]
    assert all(event["vwap"] is None for event in table.to_pylist() if event not in crossings)
    assert lines == table.to_pylist()


@pytest.mark.usefixtures("vwap_cross")
def test_the_digest_covers_the_column(tmp_path: Path) -> None:
    """Two runs that differ in it alone differ; the common columns' digest is the one without the column."""
    events, digest = replayed(tmp_path)
    table = pq.read_table(events)
    common, whole = EventDigest(), EventDigest(table.schema)
    for batch in table.to_batches():
        common.update(batch)
        whole.update(batch)

    assert whole.hexdigest() == digest != common.hexdigest()


@pytest.mark.usefixtures("vwap_cross")
def test_a_checkpoint_holds_the_column_of_a_waiting_event() -> None:
    """An event of ticks that is held until its window ends, in the state of a core that goes on elsewhere."""
    settings = settings_of({"detectors.enabled": ["vwap_cross"], "coordinator.hold_top_source": True})
    source = ListSource(ticks()[:3])
    (rows,) = source.batches()
    first, second = (build_core(settings, source.symbols) for _ in range(2))
    first.step(rows)
    second.restore({name: array.copy() for name, array in first.state().items()}, first.ledger)

    assert [float(event["own0"]) for event in second.finish()] == [100.5]


@pytest.mark.usefixtures("vwap_cross")
def test_diff_explains_a_missing_event_by_the_declared_limit(tmp_path: Path) -> None:
    """With the value, the threshold and the setting's name; and differing values of the column are a difference."""
    key = "vwap_cross.min_distance_percent"
    a, _ = replayed(tmp_path, "a.parquet")
    b, _ = replayed(tmp_path, "b.jsonl", vwap_cross__min_distance_percent=0.8)
    (difference,) = compare_files(a, b, settings_of({}), settings_of({key: 0.8}), 9).differences

    measured = f"{(BELOW - 98.5) / BELOW * 100:.6g} %"
    assert (difference.status, difference.why) == ("only_a", f"{key}: {measured} against 0.8 %")


@pytest.mark.usefixtures("vwap_cross")
def test_explain_shows_the_column_and_the_word(tmp_path: Path) -> None:
    """What it shows is what the run emits."""
    recording = write_recording(ticks(), tmp_path / "recording")
    settings = settings_of({"detectors.enabled": ["vwap_cross"]})
    (row,) = explain(Request([recording], settings=settings), "ABC", START + 2 * SECOND).rows
    (outcome,) = row.event_outcomes

    assert (outcome.event["kind"], outcome.event["vwap"], outcome.event["trigger"]) == (
        "vwap_cross_down", 100.5, "heavy_volume",
    )  # fmt: skip


@pytest.mark.usefixtures("vwap_cross")
def test_tables_page_and_load_test_use_the_declared_kinds() -> None:
    """A phrase with the column's unit, a mark, and a kind that clients can subscribe to."""
    kinds = event_kinds()
    event = {"kind": "vwap_cross_up", "trigger": "heavy_volume", "vwap": 100.5, "rel_volume": None}
    up = KindModel.of(kinds[-2])
    scenario = load_scenario("steady_state", ['clients.kinds=["vwap_cross_up"]'])

    assert KindPhrases(kinds).of(event) == ["on heavy volume", "vwap 100.50"]
    assert (up.mark.shape, up.details[-1], up.words) == ("up", "vwap {vwap}", {"heavy_volume": "on heavy volume"})
    assert system_settings(scenario).detectors.enabled == tuple(DETECTORS.parts)[:-1]


def test_a_load_test_refuses_a_kind_that_no_detector_declares() -> None:
    """Clients that wait for a misspelt kind would get nothing, and nobody would know why."""
    scenario = load_scenario("steady_state", ['clients.kinds=["hihg"]'])
    with pytest.raises(SettingsError, match="no detector declares the kind 'hihg'; did you mean high"):
        system_settings(scenario)


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ((Kind("Up", 1),), "must be named in snake_case, was 'Up'"),
        ((Kind("up", 5),), "priority of up must be 1 to 4, was 5"),
        ((Kind("up", 1, columns=tuple(Column(f"c{n}", "", "") for n in range(5))),), "at most 4 are possible"),
        ((Kind("up", 1), Kind("up", 2)), "up has priority 2, but another detector declares it with 1"),
        (
            (Kind("up", 1, columns=(Column("c", "$", ""),)), Kind("down", 1, columns=(Column("c", "%", ""),))),
            "column c of down is float64 in '%', but another kind declares it as float64 in",
        ),
    ],
)
def test_a_declaration_that_contradicts_itself_or_another_is_refused(kinds: tuple[Kind, ...], message: str) -> None:
    """Before a row is read, and with what is wrong."""
    with pytest.raises(SettingsError, match=message):
        join_kinds([("one", kinds)])
