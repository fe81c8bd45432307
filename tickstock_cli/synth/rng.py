"""Counter-based randomness: the n-th draw of a stream is a hash of the stream's key and n.

Draws have no order, so rows can be made in any order and in any portions. The hash is splitmix64: its finaliser,
applied to key + n * golden ratio, is the n-th number of the generator that starts at the key.

References
----------
G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.jit import kernel

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_27, _30, _31 = np.uint64(27), np.uint64(30), np.uint64(31)
_ONE = np.uint64(1)
_LOW_16 = np.uint64(0xFFFF)
_16, _32, _48 = np.uint64(16), np.uint64(32), np.uint64(48)

BELL_DEVIATION = 37_837
"""Standard deviation of ``bell``: sqrt(4 (2**32 - 1) / 12), rounded."""


def stream_key(seed: int, purpose: str) -> np.uint64:
    """Return the key of the random stream of a purpose."""
    return np.uint64(int.from_bytes(blake2b(f"{seed}/{purpose}".encode(), digest_size=8).digest(), "little"))


@kernel
def draw(key: np.uint64, counter: int) -> np.uint64:
    """Return 64 random bits: draw ``counter`` of the stream ``key``."""
    z = key + np.uint64(counter) * _GOLDEN
    z = (z ^ (z >> _30)) * _FIRST
    z = (z ^ (z >> _27)) * _SECOND
    return z ^ (z >> _31)


@kernel
def pair(high: int, low: int) -> int:
    """Return one counter from two, with ``low`` below 2**24."""
    return high * 16_777_216 + low


@kernel
def bits(drawn: np.uint64, shift: int, width: int) -> int:
    """Return ``width`` (at most 62) of the bits of a draw, from bit ``shift`` up, as an int64."""
    return int(np.int64((drawn >> np.uint64(shift)) & ((_ONE << np.uint64(width)) - _ONE)))


@kernel
def bell(drawn: np.uint64) -> int:
    """Return a bell-shaped int64 around 0 from a draw: the sum of four uniform values, within ±131,070."""
    low = (drawn & _LOW_16) + ((drawn >> _16) & _LOW_16)
    high = ((drawn >> _32) & _LOW_16) + (drawn >> _48)
    return int(np.int64(low + high)) - 131_070


@kernel
def _fill(key: np.uint64, first: int, out: NDArray[np.uint64]) -> None:
    for i in range(len(out)):
        out[i] = draw(key, first + i)


def draws(seed: int, purpose: str, count: int, first: int = 0) -> NDArray[np.uint64]:
    """Return ``count`` draws of a stream, starting with draw ``first``."""
    out = np.empty(count, dtype=np.uint64)
    _fill(stream_key(seed, purpose), first, out)
    return out


def uniform(drawn: NDArray[np.uint64], low: int, high: int) -> NDArray[np.int64]:
    """Return int64 in ``[low, high]`` from the upper 32 bits of draws; the range must be below 2**31."""
    return low + (((drawn >> _32) * np.uint64(high - low + 1)) >> _32).astype(np.int64)


class Rng:
    """Sequential draws of one stream, for plans, which are made in one order."""

    def __init__(self, seed: int, purpose: str) -> None:
        self._key = int(stream_key(seed, purpose))
        self._count = 0

    def between(self, low: int, high: int) -> int:
        """Return an integer of ``[low, high]``."""
        drawn = int(draw(np.uint64(self._key), self._count))
        self._count += 1
        return low + (drawn >> 32) * (high - low + 1) // 2**32
