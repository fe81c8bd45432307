"""Events tell of their kinds themselves: logs and Parquet files, read where the detector that wrote them is unknown."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.market import write_recording
from tests.cli.running import run_tickstock
from tests.cli.serving import served_file
from tests.unit.detectors.test_declared_kinds import ticks
from tests.unit.detectors.vwap_cross import VwapCross, registered
from tickstock_cli.build import build_event_schema, declarations, event_kinds
from tickstock_cli.core.declarations import DeclaredSettings, DetectorDeclaration, declarations_of, with_declarations
from tickstock_cli.core.events import EVENT_SCHEMA, unit_of
from tickstock_cli.core.kinds import Kind, Limit
from tickstock_cli.errors import DataError
from tickstock_cli.eventlog.manifest import MANIFEST, RunInfo
from tickstock_cli.eventlog.opening import copy_in, open_log
from tickstock_cli.eventlog.undeclared import undeclared_kinds
from tickstock_cli.replaying import Request, replay
from tickstock_cli.review.diff import compare
from tickstock_cli.scoring.scoring import default_grace
from tickstock_cli.sources.event_files import read_declarations, read_events
from tickstock_cli.testing import settings_of

SETTINGS = {"detectors.enabled": ["highlow", "vwap_cross"]}
BIG_MOVE = Kind("big_move", 1, limits=(Limit("min_percent", "%", "percent_change"),), cooldown="cooldown_seconds")


def written(folder: Path, suffix: str) -> Path:
    """Replay ticks with the detector, and return the file; the detector is unknown afterwards."""
    with registered():
        recording = write_recording(ticks(), folder / "recording")
        path = folder / f"events{suffix}"
        replay(Request([recording], outs=[str(path)], settings=settings_of(SETTINGS)))
    return path


def logged(folder: Path) -> Path:
    """Return the folder of an event log of such a run."""
    with registered():
        schema = build_event_schema(settings_of(SETTINGS))
    table = pq.read_table(written(folder, ".parquet")).cast(schema.remove_metadata())
    copy_in(table.to_batches(), folder / "log", RunInfo("run-1", 0), schema=schema)
    return folder / "log"


def big_moves(least: float, quiet: float) -> tuple[DetectorDeclaration, ...]:
    """Return what a detector of big moves declares that ran with these settings."""
    settings = DeclaredSettings(min_percent=least, cooldown_seconds=quiet)
    return (DetectorDeclaration("big_move", "tick", (BIG_MOVE,), settings),)


def test_declarations_survive_a_schema() -> None:
    """All of every kind, but for limits that are functions; and the settings that the detector ran with."""
    before = declarations(settings_of({"surge.cooldown_seconds": 7}))
    after = declarations_of(with_declarations(EVENT_SCHEMA, before))

    for one, other in zip(before, after, strict=True):
        assert (other.name, other.source) == (one.name, one.source)
        assert other.settings.model_dump() == one.settings.model_dump(mode="json")
        for kind, again in zip(one.kinds, other.kinds, strict=True):
            fields = [name for name in Kind.__slots__ if name != "limits"]
            assert [getattr(again, name) for name in fields] == [getattr(kind, name) for name in fields]
            assert {limit.setting for limit in again.limits} <= {limit.setting for limit in kind.limits}


@pytest.mark.parametrize("form", ["file", "log"])
def test_a_server_shows_kinds_of_a_detector_that_is_not_there(tmp_path: Path, form: str) -> None:
    """With the column's unit, the word of its own as people read it, and a filter by the kind's name."""
    path = written(tmp_path, ".parquet") if form == "file" else logged(tmp_path)
    with served_file(path) as (_, url):
        result = run_tickstock("watch", url, "--kinds", "vwap_cross_down", environment={"COLUMNS": "120"})

    assert result.returncode == 0, result.stderr
    first, second = result.stdout.splitlines()
    assert first.rstrip().endswith("on heavy volume, vwap 100.50")
    assert "vwap_cross_down" in second


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_kind_that_nobody_declares_has_its_name_and_columns(tmp_path: Path, suffix: str) -> None:
    """Text formats hold no declarations: words and units are those of the file."""
    with served_file(written(tmp_path, suffix)) as (_, url):
        result = run_tickstock("watch", url, "--kinds", "vwap_cross_down", environment={"COLUMNS": "120"})

    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[0].rstrip().endswith("heavy_volume, vwap 100")


def test_a_log_keeps_units_and_marks(tmp_path: Path) -> None:
    """They stand in its manifest, beside the columns."""
    log = open_log(logged(tmp_path))
    up = next(kind for one in log.declared for kind in one.kinds if kind.name == "vwap_cross_up")

    assert up.mark == VwapCross.kinds[0].mark
    assert unit_of(log.schema.field("vwap")) == "$"
    assert undeclared_kinds(log, {"vwap_cross_up", "vwap_cross_down", "high", "low"}) == ()


def test_a_log_of_an_older_version_is_read_as_before(tmp_path: Path) -> None:
    """Its manifest declares nothing: kinds that are not known have the priority and columns that the log holds."""
    folder = logged(tmp_path)
    manifest = json.loads((folder / MANIFEST).read_text())
    del manifest["detectors"]
    (folder / MANIFEST).write_text(json.dumps(manifest))
    log = open_log(folder)
    down, up = undeclared_kinds(log, {kind.name for kind in event_kinds()})

    assert log.declared == ()
    assert (down.name, up.name) == ("vwap_cross_down", "vwap_cross_up")
    assert (up.priority, [column.name for column in up.columns]) == (2, ["vwap"])


def test_diff_finds_reasons_by_the_settings_that_a_file_declares(tmp_path: Path) -> None:
    """Of detectors that the configuration does not name: threshold and cooldown of the file without the event."""
    a = read_events(written(tmp_path, ".jsonl")).filter(kind="vwap_cross_down")[-1:]
    a = a.with_columns(kind=a["kind"].replace("vwap_cross_down", "big_move"), percent_change=-1.5)
    defaults = settings_of({})
    (found,) = compare(a, a.clear(), defaults, defaults, 9, (big_moves(1.0, 0), big_moves(2.0, 0))).differences

    assert (found.reason, found.why) == ("threshold", "big_move.min_percent: 1.5 % against 2 %")


def test_score_takes_the_grace_of_a_kind_from_the_file(tmp_path: Path) -> None:
    """A truth of another origin may hold moves of a kind that only a plugin tells."""
    path = written(tmp_path, ".parquet")

    assert default_grace(read_declarations(path))["vwap_cross_up"] == 60
    assert "vwap_cross_up" not in default_grace()


def test_a_damaged_declaration_is_one_line(tmp_path: Path) -> None:
    """It names the file; a reader must not fall back to a guess."""
    table = pq.read_table(written(tmp_path, ".parquet"))
    path = tmp_path / "damaged.parquet"
    pq.write_table(table.replace_schema_metadata({b"tickstock.detectors": b"[{}]"}), path)

    with pytest.raises(DataError, match=r"damaged\.parquet: what it declares of its detectors is damaged"):
        read_declarations(path)


def test_rows_of_a_batch_carry_no_declarations(tmp_path: Path) -> None:
    """Segments of a log would repeat them for every few thousand events."""
    segment = next(logged(tmp_path).glob("*.arrow"))

    with pa.ipc.open_file(segment.read_bytes()) as reader:
        assert reader.schema.metadata is None
