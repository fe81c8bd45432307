"""Frames: what a file holds after it was cut off, damaged or written on."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.core.frames import FrameWriter, whole_frames

BODIES = [b"first", b"", b"third body"]


def frames_of(path: Path) -> list[tuple[int, bytes]]:
    """Return numbers and bodies of the whole frames of a file."""
    return [(frame.number, frame.body) for frame in whole_frames(BytesIO(path.read_bytes()))]


def written(path: Path, bodies: list[bytes]) -> FrameWriter:
    """Return the writer of a new file of these bodies."""
    writer = FrameWriter(path)
    for number, body in enumerate(bodies):
        writer.write(number, pa.py_buffer(body))
    return writer


@given(st.data())
def test_a_file_cut_at_any_byte_keeps_the_frames_before(data: st.DataObject) -> None:
    """A killed process leaves a file that ends anywhere."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "frames"
        writer = written(path, BODIES)
        writer.close()
        whole = path.read_bytes()
        ends = [frame.end for frame in whole_frames(BytesIO(whole))]
        cut = data.draw(st.integers(0, len(whole)))
        path.write_bytes(whole[:cut])
        assert frames_of(path) == [
            (number, body) for number, (body, end) in enumerate(zip(BODIES, ends, strict=True)) if end <= cut
        ]


def test_a_flipped_byte_ends_the_file_there(tmp_path: Path) -> None:
    """A damaged frame must not be taken for rows."""
    path = tmp_path / "frames"
    written(path, BODIES).close()
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert frames_of(path) == [(0, b"first"), (1, b"")]


def test_a_writer_goes_on_behind_the_whole_frames(tmp_path: Path) -> None:
    """A torn frame that stayed in the file would hide the ones behind it."""
    path = tmp_path / "frames"
    writer = written(path, BODIES[:2])
    whole = writer.end
    writer.close()
    path.write_bytes(path.read_bytes() + b"TEV1 torn")
    again = FrameWriter(path, whole)
    again.write(2, pa.py_buffer(b"after"))
    again.close()
    assert frames_of(path) == [(0, b"first"), (1, b""), (2, b"after")]
