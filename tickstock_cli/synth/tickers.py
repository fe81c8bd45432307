"""Distinct ticker names in the style of American exchanges."""

from __future__ import annotations

from tickstock_cli.synth.rng import Rng

_INNER = "BCDGHKLMNPRSTVWXZ"
_LAST = _INNER + "AEIOY"
"""Vowels only at the end, so that names spell no words."""

_SHARE_CLASSES = (".A", ".B")


def make_tickers(seed: int, count: int) -> list[str]:
    """Return ``count`` different tickers of 2 to 4 letters, one in 64 of them with a share class (``KRT.B``).

    A smaller number gives a prefix: the first 50 of 8,000 are those of 50.
    """
    rng = Rng(seed, "tickers")
    tickers: dict[str, None] = {}
    while len(tickers) < count:
        tickers[_make_ticker(rng)] = None
    return list(tickers)


def _make_ticker(rng: Rng) -> str:
    form = rng.between(0, 63)
    length = 2 if form == 0 else 3 if form < 22 else 4
    letters = ""
    while len(letters) < length:
        alphabet = _LAST if len(letters) == length - 1 and length > 2 else _INNER
        letter = alphabet[rng.between(0, len(alphabet) - 1)]
        if not letters.endswith(letter):
            letters += letter
    return letters + _SHARE_CLASSES[form & 1] if form >= 63 else letters
