"""The contract of sinks that write a file, as a battery of tests.

In a test module, pytest runs the methods of a subclass:

    class TestTsv(SinkContract):
        sink = TsvSink
        suffix = "tsv"

        def read(self, path):
            return [...]  # the rows as dictionaries, None for null
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa

from tickstock_cli.core.events import EVENT_SCHEMA
from tickstock_cli.core.stages import Sink
from tickstock_cli.errors import OutputError
from tickstock_cli.testing.raising import raises

Rows = list[dict[str, Any]]


class SinkContract:
    """The contract of every sink of files. ``tmp_path`` is pytest's folder of one test."""

    sink: type[Any]
    """The class, which conforms to `core.stages.Sink` and is built as ``sink(target, schema)``."""
    suffix: str
    """Suffix of its files, without the dot."""

    def read(self, path: Path) -> Rows:
        """Read a file that the sink wrote: its rows in order, every column, None for null."""
        raise NotImplementedError("the test class must say how to read the sink's files")

    def test_what_was_written_reads_back_equal(self, tmp_path: Path) -> None:
        """Every digit, every null and every character survives."""
        for seed in range(20):
            rows = hostile_events(Random(seed))
            path = tmp_path / f"events-{seed}.{self.suffix}"
            self._write(path, pa.RecordBatch.from_pylist(rows, schema=EVENT_SCHEMA))

            assert self.read(path) == rows

    def test_any_split_into_writes_gives_the_same_bytes(self, tmp_path: Path) -> None:
        """The bytes of a file do not depend on the batches."""
        events = many_events(70_000)
        whole = self._write(tmp_path / f"whole.{self.suffix}", events)
        for seed in range(2):
            cuts = sorted(Random(seed).choices(range(70_001), k=5))

            assert self._write(tmp_path / f"parts.{self.suffix}", events, cuts) == whole, f"cut at {cuts}"

    def test_a_run_without_events_leaves_a_valid_file(self, tmp_path: Path) -> None:
        """A run without events writes a valid file."""
        path = tmp_path / f"events.{self.suffix}"

        self._write(path, many_events(0))

        assert self.read(path) == []

    def test_nothing_stands_under_the_name_until_commit(self, tmp_path: Path) -> None:
        """A reader never sees a partial file, and no temporary file remains."""
        path = tmp_path / f"events.{self.suffix}"
        sink = self._open(path)
        sink.write(many_events(10))

        assert not path.exists(), "the file stands under its name before commit"
        sink.commit()
        assert [each.name for each in tmp_path.iterdir()] == [path.name]

    def test_finish_makes_durable_and_does_not_name(self, tmp_path: Path) -> None:
        """A run finishes all outputs before it commits the first; ``finish`` is idempotent."""
        path = tmp_path / f"events.{self.suffix}"
        sink = self._open(path)
        sink.write(many_events(10))
        sink.finish()
        sink.finish()

        assert not path.exists(), "the file stands under its name before commit"
        sink.commit()
        assert len(self.read(path)) == 10

    def test_abort_leaves_the_old_file_untouched(self, tmp_path: Path) -> None:
        """A run that fails must not remove the output of an earlier run."""
        path = tmp_path / f"events.{self.suffix}"
        path.write_text("of yesterday")
        sink = self._open(path)
        sink.write(many_events(20_000))
        sink.abort()
        sink.abort()

        assert path.read_text() == "of yesterday"
        assert [each.name for each in tmp_path.iterdir()] == [path.name]

    def test_a_stopped_run_can_leave_the_old_file(self, tmp_path: Path) -> None:
        """A sink that has ``commit_partial`` writes beside the file of an earlier run."""
        path = tmp_path / f"events.{self.suffix}"
        path.write_text("of yesterday")
        sink = self._open(path)
        sink.write(many_events(10))
        if not hasattr(sink, "commit_partial"):
            sink.abort()
            return
        partial = Path(sink.commit_partial())

        assert path.read_text() == "of yesterday"
        assert partial.name == f"{path.name}.partial"
        assert len(self.read(partial.rename(path))) == 10
        assert [each.name for each in tmp_path.iterdir()] == [path.name]

    def test_abort_after_commit_keeps_the_file(self, tmp_path: Path) -> None:
        """Callers can abort in a `finally` at any stage."""
        path = tmp_path / f"events.{self.suffix}"
        sink = self._open(path)
        sink.commit()
        sink.abort()

        assert path.exists()

    def test_a_disk_that_fills_up_raises_and_keeps_the_old_file(self, tmp_path: Path) -> None:
        """A full disk, during a write or at the last flush, is an error and leaves the old file."""
        events = many_events(20_000)
        paths = [tmp_path / f"{when}.{self.suffix}" for when in ("early", "late")]
        for path, limit_bytes in zip(paths, (0, 60_000), strict=True):
            path.write_text("of yesterday")
            sink = self._open(path)
            told = f"cannot write {path}: the file is larger than this system"
            with _no_file_above(limit_bytes), raises(OutputError, told):
                for _ in range(5):
                    sink.write(events)
                sink.commit()
            sink.abort()

            assert path.read_text() == "of yesterday"
        assert sorted(each.name for each in tmp_path.iterdir()) == [path.name for path in paths]

    def test_an_unwritable_place_fails_before_any_work(self, tmp_path: Path) -> None:
        """Opening the sink raises an error of one line with a remedy."""
        (tmp_path / "file").write_text("")
        (tmp_path / f"folder.{self.suffix}").mkdir()
        for place, reason in (
            ("missing/events", "its folder does not exist; create it first"),
            ("file/events", "part of its path is a file"),
            ("folder", "it is a folder; name a file inside it"),
        ):
            path = tmp_path / f"{place}.{self.suffix}"
            with raises(OutputError, f"cannot write {path}: {reason}"):
                self._open(path)

    def test_two_sinks_of_one_file_are_found_out(self, tmp_path: Path) -> None:
        """Otherwise two spellings of one name would overwrite each other without an error."""
        first = self._open(tmp_path / f"events.{self.suffix}")
        with raises(OutputError, "twice"):
            self.sink(f"{tmp_path}/./events.{self.suffix}", EVENT_SCHEMA)

        first.abort()

    def _open(self, path: Path) -> Sink:
        sink: Sink = self.sink(str(path), EVENT_SCHEMA)
        return sink

    def _write(self, path: Path, events: pa.RecordBatch, cuts: list[int] | None = None) -> bytes:
        """Write events cut at row numbers, commit, and return the file's bytes."""
        sink = self._open(path)
        for start, stop in pairwise([0, *(cuts or []), events.num_rows]):
            sink.write(events.slice(start, stop - start))
        sink.commit()
        return path.read_bytes()


def hostile_events(rng: Random) -> Rows:
    """Return up to twelve rows of the event schema with the values that are hardest to keep."""
    return [{field.name: _hostile(rng, field) for field in EVENT_SCHEMA} for _ in range(rng.randint(1, 12))]


def _hostile(rng: Random, field: pa.Field[Any]) -> Any:
    if field.nullable and rng.random() < 0.3:
        return None
    if pa.types.is_string(field.type):
        return rng.choice(('A"B', "Zürich", "a,b", "é\u0301", "株", "😀", " ", "'", "BRK.B", "null", "0"))
    if pa.types.is_floating(field.type):
        return rng.choice((0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -2.5, 1e16, 123456789.123456789))
    least = 0 if pa.types.is_unsigned_integer(field.type) else -(1 << field.type.bit_width - 1)
    return rng.choice((least, least + (1 << field.type.bit_width) - 1, rng.randint(0, 100)))


@contextmanager
def _no_file_above(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond ``size`` bytes: writes fail as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def many_events(count: int) -> pa.RecordBatch:
    """Return ``count`` different rows of the event schema, quickly."""
    numbers = pa.array(range(count), pa.int64())
    columns = [
        pa.array([f"T{number % 97}" for number in range(count)], pa.string())
        if pa.types.is_string(field.type)
        else numbers.cast(pa.float64()).cast(field.type)
        if pa.types.is_floating(field.type) or field.type.bit_width > 8
        else pa.array([number % 100 for number in range(count)], field.type)
        for field in EVENT_SCHEMA
    ]
    return pa.RecordBatch.from_arrays(columns, schema=EVENT_SCHEMA)
