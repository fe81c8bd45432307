"""Checkpoints: whole or not there, and only for the run that they are of."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from tests.unit.engine.events import morning_events
from tickstock_cli.core.events import EVENT
from tickstock_cli.engine import checkpoint
from tickstock_cli.engine.checkpoint import CheckpointStore
from tickstock_cli.engine.position import RunPosition
from tickstock_cli.errors import CheckpointError, OutputError

FACTS = {"the settings": "5f2c", "--symbols": "e1b0", "the recordings": "77a9"}
REJECTS = pa.table({"row": [7, 9], "reason": ["price", "late"]})


TICKERS = ("IBM", "BRK.B", "Ünï")


def position(rows: int) -> RunPosition:
    """Return the position of a run after ``rows`` rows."""
    ledger = {"tick.read": rows}
    return RunPosition((rows, 0), ledger, rows, first_time=1_718_199_000, market_time=2**62, watermark=2**62)


def state(rows: int) -> dict[str, NDArray[Any]]:
    """Return a core's state: plain arrays, structured ones, empty ones, NaN and the greatest numbers."""
    held = np.zeros(2, dtype=EVENT)
    held["price"] = (float("nan"), 1e308)
    held["available_at"] = 2**63 - 1
    return {
        "tick/high": np.array([float("nan"), 0.1 + 0.2, float(rows)]),
        "tick/window": np.arange(rows, dtype=np.int64) << 32,
        "coordinator/held": held,
        "coordinator/unreleased": np.empty(0, dtype=EVENT),
    }


def store(folder: Path, **facts: str) -> CheckpointStore:
    """Return the store of a run, as another process would."""
    return CheckpointStore(folder, {**FACTS, **{name.replace("_", " "): fact for name, fact in facts.items()}})


def events_between(start: int, stop: int) -> pa.RecordBatch:
    """Return some events of a morning."""
    return morning_events().slice(start, stop - start)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with three checkpoints, taken after 100, 200 and 300 rows."""
    folder = tmp_path / "deep" / "checkpoints"
    written = store(folder)
    written.begin()
    for number in (1, 2, 3):
        if number != 2:  # nothing was told between the first and the second
            written.keep_events(events_between(100 * number, 100 * number + 50))
            written.keep_events(events_between(100 * number + 50, 100 * number + 51))
            written.keep_rejects(REJECTS)
        written.save(state(100 * number), position(100 * number), TICKERS)
    return folder


@contextmanager
def disk_of(bytes_left: int) -> Iterator[None]:
    """Let no file grow beyond some bytes, as on a disk that gets full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_left, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_checkpoint_is_read_back_exactly(folder: Path) -> None:
    """State, position, and all events and rejected rows since the beginning, of another process's store."""
    resumed = store(folder)
    arrays, found, tickers = resumed.load()

    for name, array in state(300).items():
        assert arrays[name].dtype == array.dtype
        assert arrays[name].tobytes() == array.tobytes()
    assert list(arrays) == list(state(300))
    assert (found, tickers) == (position(300), TICKERS)
    told = pa.Table.from_batches(resumed.kept_events())
    assert told.equals(pa.Table.from_batches([events_between(100, 151), events_between(300, 351)]))
    assert pa.Table.from_batches(resumed.kept_rejects()).to_pylist() == REJECTS.to_pylist() * 2


def test_only_the_newest_state_is_kept(folder: Path) -> None:
    """States are large; events of every variant are needed, and nothing temporary stays behind."""
    variants = [f"{name}-{number}.arrow" for name in ("events", "rejects") for number in (1, 2, 3)]

    assert sorted(path.name for path in folder.iterdir()) == sorted(["checkpoint.json", "state-3.npz", *variants])


def test_a_resumed_run_goes_on_counting_and_keeping(folder: Path) -> None:
    """Its checkpoints build on those before, whatever number of interruptions."""
    resumed = store(folder)
    resumed.load()
    resumed.keep_events(events_between(400, 420))
    resumed.save(state(400), position(400), TICKERS)

    again = store(folder)
    assert again.load()[1].rows == 400
    kept = pa.Table.from_batches(again.kept_events())
    assert kept.num_rows == 51 + 51 + 20


@pytest.mark.parametrize("bytes_left", [0, 300, 3_000, 20_000])
def test_a_full_disk_leaves_the_former_checkpoint_whole(folder: Path, bytes_left: int) -> None:
    """Whichever file it cuts off; once there is room, the next one holds what this one could not."""
    written = store(folder)
    written.load()
    written.keep_events(events_between(400, 420))

    with disk_of(bytes_left), pytest.raises(OutputError, match=r"cannot write checkpoint .*: file too large; free"):
        written.save(state(5_000), position(400), TICKERS)

    former = store(folder)
    assert former.load()[1].rows == 300
    assert pa.Table.from_batches(former.kept_events()).num_rows == 102
    written.save(state(5_000), position(400), TICKERS)
    latter = store(folder)
    assert latter.load()[1].rows == 400
    assert pa.Table.from_batches(latter.kept_events()).num_rows == 122


def test_a_power_cut_at_any_file_leaves_the_former_checkpoint_whole(folder: Path, tmp_path: Path) -> None:
    """All files of the fourth one are there but its manifest, some of them cut: the third one holds."""
    before = tmp_path / "before"
    copytree(folder, before)
    written = store(folder)
    written.load()
    written.keep_events(events_between(400, 420))
    written.save(state(400), position(400), TICKERS)
    for torn in ("events-4.arrow", "state-4.npz"):
        (before / torn).write_bytes((folder / torn).read_bytes()[:-40])
    (before / "checkpoint.json.tmp").write_text('{"content": {"ver')

    resumed = store(before)

    assert resumed.load()[1].rows == 300
    resumed.save(state(350), position(350), TICKERS)
    again = store(before)
    assert again.load()[1].rows == 350
    assert pa.Table.from_batches(again.kept_events()).num_rows == 102


def test_a_changed_byte_in_any_file_is_found(folder: Path) -> None:
    """First, middle and last byte of each: resuming from any of them would give other events without a word."""
    for path in sorted(folder.iterdir()):
        whole = path.read_bytes()
        for place in {0, len(whole) // 2, len(whole) - 1} if whole else set[int]():
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            with pytest.raises(
                CheckpointError, match=rf"checkpoint .* is damaged \({path.name}.*start without --resume"
            ):
                store(folder).load()
        path.write_bytes(whole)
    assert store(folder).load()[1].rows == 300


@pytest.mark.parametrize("name", ["checkpoint.json", "state-3.npz", "events-1.arrow", "rejects-3.arrow"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_file_cut_short_is_found(folder: Path, name: str, share: float) -> None:
    """As a copy that ran out of room leaves it."""
    path = folder / name
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])

    with pytest.raises(CheckpointError, match=rf"is damaged \({name}"):
        store(folder).load()


@pytest.mark.parametrize("name", ["state-3.npz", "events-2.arrow", "rejects-1.arrow"])
def test_a_missing_file_is_found(folder: Path, name: str) -> None:
    """One line says which."""
    (folder / name).unlink()

    with pytest.raises(CheckpointError, match=rf"is damaged \({name}: no such file or directory\)"):
        store(folder).load()


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"content": {}, "digest": 3}', "\x00\x01", '{"content": 1}'])
def test_a_manifest_of_anything_else_is_damaged(folder: Path, text: str) -> None:
    """No exception of json, nor a missing key, reaches the user."""
    (folder / "checkpoint.json").write_text(text)

    with pytest.raises(CheckpointError, match=r"is damaged \(checkpoint.json"):
        store(folder).load()


def test_another_run_is_refused_and_told_what_differs(folder: Path) -> None:
    """Other settings or files would go on with a state that they never could have reached."""
    other = CheckpointStore(folder, {**FACTS, "the settings": "0000", "the recordings": "1111"})

    with pytest.raises(CheckpointError) as raised:
        other.load()

    assert str(raised.value) == (
        f"checkpoint {folder} belongs to another run: the settings and the recordings differ; "
        "give the same ones, or start without --resume"
    )


def test_another_format_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a past or future version wrote is not guessed at."""
    monkeypatch.setattr(checkpoint, "VERSION", checkpoint.VERSION + 1)

    with pytest.raises(CheckpointError, match="is of another version of tickstock"):
        store(folder).load()


def test_without_a_checkpoint_there_is_nothing_to_resume(tmp_path: Path) -> None:
    """The message says how to get one."""
    begun = store(tmp_path / "new")
    begun.begin()

    for folder in (tmp_path / "new", tmp_path / "nowhere"):
        with pytest.raises(CheckpointError, match=r"no checkpoint in .*: run once with --checkpoint and without"):
            store(folder).load()


def test_a_new_run_drops_the_checkpoints_of_the_former_one(folder: Path) -> None:
    """Without --resume nothing of it may come back."""
    store(folder).begin()

    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["notes.txt", "events-2024-06-12.arrow", "state-final.npz", "events-7.arrow"])
def test_files_that_are_not_ours_are_never_removed(tmp_path: Path, name: str) -> None:
    """A folder that holds anything else is refused: names alone are no proof, so without a manifest 7 is a stranger."""
    (tmp_path / name).write_bytes(b"precious")

    with pytest.raises(OutputError, match=rf"holds other files \({name}\); name an empty or new folder"):
        store(tmp_path).begin()

    assert (tmp_path / name).read_bytes() == b"precious"


def test_files_of_an_incomplete_first_checkpoint_are_replaced(tmp_path: Path) -> None:
    """A run that was killed before its first manifest leaves files of number 1."""
    for name in ("events-1.arrow", "rejects-1.arrow", "state-1.npz", "checkpoint.json.tmp"):
        (tmp_path / name).write_bytes(b"half")

    begun = store(tmp_path)
    begun.begin()
    begun.save(state(10), position(10), TICKERS)

    assert store(tmp_path).load()[1].rows == 10


@pytest.mark.parametrize("place", ["taken", "taken/below"])
def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path: Path, place: str) -> None:
    """Before any row is read."""
    (tmp_path / "taken").write_text("a file")

    with pytest.raises(OutputError, match=rf"cannot write checkpoint {tmp_path}/{place}: "):
        store(tmp_path / place).begin()


def test_a_folder_that_vanishes_is_an_output_error(folder: Path) -> None:
    """Not a traceback, hours into a run."""
    written = store(folder)
    written.load()
    rmtree(folder)

    with pytest.raises(OutputError, match="no such file or directory; free space or name another folder"):
        written.save(state(400), position(400), TICKERS)
