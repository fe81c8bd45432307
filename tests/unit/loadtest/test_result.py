"""A result's folder: what is written is read again, and is what its schema says."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from tests.unit.loadtest.observed import observed
from tickstock_cli.errors import DataError, OutputError
from tickstock_cli.loadtest.observation import Capacity, SearchTrial
from tickstock_cli.loadtest.result import data_hash, from_json, judged, to_json
from tickstock_cli.loadtest.result_folder import read_result, write_result, write_views

SCHEMA = Path(__file__).parents[3] / "docs" / "schemas" / "load-result.json"

SEARCHED = Capacity(
    2.0,
    6_400,
    True,
    (SearchTrial(2, 6_400, 6_399, 14, 40, True), SearchTrial(4, 12_800, 9_100, None, None, False, "backlog")),
)

DOCUMENTS = {
    "a run that passed": judged(observed()),
    "a run that was aborted": judged(
        observed(aborted="interrupted", ledger={}, router=None, digest=None, clients=None)
    ),
    "a search": judged(
        observed(
            capacity=SEARCHED,
            alerts=({"at": 8.2, "type": "HIGH_LATENCY", "severity": "error", "message": "tick-1 is late"},),
            breakers=({"at": 9.4, "channel": "tick-1", "before": "closed", "after": "open", "reason": "5 failures"},),
            notes=("somebody was watching",),
            plugins=({"family": "detector", "name": "quiet", "distribution": "acme", "version": "1.0"},),
        )
    ),
    "a run that never began": judged(observed(seconds=(), whole={}, by_stage={}, aborted="the generator crashed")),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_result_is_what_the_published_schema_says(name: str) -> None:
    """Whoever reads result.json by its schema can read every one of them."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)

    jsonschema.validate(json.loads(to_json(DOCUMENTS[name])), schema)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_result_is_read_as_it_was_written(name: str) -> None:
    """Down to the last bucket of the last histogram."""
    result = DOCUMENTS[name]

    assert to_json(from_json(to_json(result), "x")) == to_json(result)


def test_a_folder_that_is_used_again_keeps_nothing_of_the_run_before(tmp_path: Path) -> None:
    """Percentiles of clients beside a result that had none would be another run's."""
    with_clients, without = observed(), observed(whole={"tick": observed().whole["tick"]}, clients=None)
    write_result(judged(with_clients), tmp_path)
    write_result(judged(without), tmp_path)

    assert [path.name for path in (tmp_path / "latency").iterdir()] == ["tick.hgrm"]


def test_the_folder_holds_all_forms(tmp_path: Path) -> None:
    """Result, page, JUnit, and a percentile file a name."""
    write_result(judged(observed()), tmp_path / "run")

    assert sorted(str(path.relative_to(tmp_path / "run")) for path in (tmp_path / "run").rglob("*.*")) == [
        "junit.xml", "latency/client.hgrm", "latency/event.hgrm", "latency/fmv.hgrm", "latency/ohlcv.hgrm",
        "latency/tick.hgrm", "report.html", "result.json",
    ]  # fmt: skip
    assert ET.parse(tmp_path / "run" / "junit.xml").getroot()[0].get("name") == "tickstock.loadtest.small_open"
    assert read_result(tmp_path / "run").passed


def test_the_same_scenario_has_the_same_hash() -> None:
    """Whatever the order of its keys; another seed is another load."""
    scenario = dict(observed().scenario)

    assert data_hash(dict(reversed(scenario.items()))) == data_hash(scenario)
    assert data_hash({**scenario, "seed": 2}) != data_hash(scenario)


def test_a_folder_without_a_result_is_an_error_of_one_line(tmp_path: Path) -> None:
    """What to name instead, too."""
    with pytest.raises(DataError, match=r"cannot read .*result\.json: no such file.*loadtest --out"):
        read_result(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 2}', '{"format": 1, "more": 1}'])
def test_an_invalid_result_is_an_error_of_one_line(tmp_path: Path, text: str) -> None:
    """Of another version, cut off, or something else."""
    (tmp_path / "result.json").write_text(text)

    with pytest.raises(DataError, match="no result of this version's loadtest"):
        read_result(tmp_path)


def test_an_invalid_histogram_is_an_error_of_one_line(tmp_path: Path) -> None:
    """Damage is bad data, wherever in the document it is."""
    document = json.loads(to_json(judged(observed())))
    document["observation"]["seconds"][3]["latency"]["tick"] = "HISTbroken"
    (tmp_path / "result.json").write_text(json.dumps(document))

    with pytest.raises(DataError, match="no histogram"):
        write_views(read_result(tmp_path), tmp_path)


def test_an_unwritable_folder_is_an_error(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "run").touch()

    with pytest.raises(OutputError, match="cannot write"):
        write_result(judged(observed()), tmp_path / "run")
