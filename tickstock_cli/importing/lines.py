"""Blocks of bytes as blocks of whole lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_QUOTE = b'"'


@dataclass(frozen=True, slots=True)
class LineBlock:
    """Whole lines of a file.

    Parameters
    ----------
    first
        Number of the first line; 1 is the first of the file.
    """

    text: bytes
    first: int


def line_blocks(blocks: Iterator[bytes]) -> Iterator[LineBlock]:
    """Yield blocks cut at ends of lines; an end of line between quotes cuts nothing. A byte order mark is left out."""
    rest = b""
    line = 1
    for number, block in enumerate(blocks):
        text = rest + (block.removeprefix(BYTE_ORDER_MARK) if number == 0 else block)
        cut = _cut(text)
        rest = text[cut:]
        if cut:
            yield LineBlock(text[:cut], line)
            line += text.count(b"\n", 0, cut)
    if rest:
        yield LineBlock(rest, line)


def without_first_line(blocks: Iterator[LineBlock]) -> tuple[bytes, Iterator[LineBlock]]:
    """Return the first line, without its end, and the blocks behind it; an empty line if there is none."""
    first = next(blocks, LineBlock(b"", 1))
    end = first.text.find(b"\n")
    if end < 0:
        return first.text, iter(())

    def behind() -> Iterator[LineBlock]:
        if end + 1 < len(first.text):
            yield LineBlock(first.text[end + 1 :], first.first + 1)
        yield from blocks

    return first.text[:end].rstrip(b"\r"), behind()


def _cut(text: bytes) -> int:
    """Return where the last whole line of a text ends; the text begins outside of quotes.

    A quote that is closed nowhere in the text is no quote: the rest of the file would be one line.
    """
    last = end = text.rfind(b"\n") + 1
    quotes = text.count(_QUOTE, 0, end)
    while end and quotes % 2:
        before = text.rfind(b"\n", 0, end - 1) + 1
        quotes -= text.count(_QUOTE, before, end)
        end = before
    return end or last
