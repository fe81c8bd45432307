"""How numbers are written as text: the decimal point, what groups their digits, and a sign of currency in front.

The form is found out from the first rows, as the one that most numbers fit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tickstock_cli.errors import DataError

_GROUPS = {",": "[,]", ".": "[.]", " ": "[ \u00a0\u2009\u202f]", "'": "['\u2019]"}
"""What groups digits -> all characters that are used for it."""
THOUSANDS = tuple(_GROUPS)
_WORDS = {",": "comma", ".": "point", " ": "blank", "'": "apostrophe"}
_CURRENCY = "[$\u20ac\u00a3\u00a5]"
_MAYBE_NUMBER = re.compile(rf"[-+]?{_CURRENCY}?[\d.,'\u2019 \u00a0\u2009\u202f]*\d[\d.,]*")
_NO_NUMBER = "?"


@dataclass(frozen=True, slots=True)
class NumberForm:
    """The form of numbers.

    Parameters
    ----------
    decimal_point
        A point or a comma.
    thousands
        What stands between groups of three digits, one of ``THOUSANDS``; empty where nothing does.
    has_currency
        Whether a sign of currency stands in front of some.
    """

    decimal_point: str = "."
    thousands: str = ""
    has_currency: bool = False

    def __str__(self) -> str:
        """Return the words of the preview; none for plain numbers."""
        words = ["decimal comma"] if self.decimal_point == "," else []
        if self.thousands:
            words.append(f"thousands by {_WORDS[self.thousands]}")
        if self.has_currency:
            words.append("signs of currency")
        return ", ".join(words)

    @property
    def is_parsed(self) -> bool:
        """Whether Arrow parses such numbers itself."""
        return not self.thousands and not self.has_currency

    @property
    def _pattern(self) -> str:
        groups = rf"|[1-9]\d{{0,2}}(?:{_GROUPS[self.thousands]}\d{{3}})+" if self.thousands else ""
        sign = f"{_CURRENCY}?" if self.has_currency else ""
        return rf"^[-+]?{sign}(?:\d+{groups})?(?:[{self.decimal_point}]\d*)?(?:[eE][-+]?\d+)?$"

    def fits(self, text: str) -> bool:
        """Return whether a text is a number of this form."""
        return re.match(self._pattern, text) is not None

    def plain(self, texts: Any) -> Any:
        """Return texts as Arrow casts them to numbers; those of another form become texts that are no number."""
        if self.is_parsed and self.decimal_point == ".":
            return texts
        known = pc.match_substring_regex(texts, self._pattern)
        if self.has_currency:
            texts = pc.replace_substring_regex(texts, _CURRENCY, "")
        if self.thousands:
            texts = pc.replace_substring_regex(texts, _GROUPS[self.thousands], "")
        if self.decimal_point != ".":
            texts = pc.replace_substring(texts, self.decimal_point, ".")
        return pc.if_else(known, texts, pa.scalar(_NO_NUMBER))

    def plain_text(self, text: str) -> str:
        """Return one text as `plain` does."""
        return str(self.plain(pa.array([text]))[0].as_py())


PLAIN = NumberForm()
"""Numbers with a decimal point and nothing else."""


def number_form(texts: Sequence[str], delimiter: str, decimal_point: str, thousands: str, where: str) -> NumberForm:
    """Return the form of numbers.

    Parameters
    ----------
    texts
        Numbers of the first rows; others among them are ignored.
    delimiter
        What stands between fields. Behind others than a comma, a comma is a decimal one where it can be both.
    decimal_point, thousands
        What the user said; empty is found out.
    where
        The file, for messages.

    Raises
    ------
    DataError
        A comma may be a decimal one or group thousands.
    """
    numbers = [text for text in map(str.strip, texts) if _MAYBE_NUMBER.fullmatch(text)]
    has_currency = any(re.search(_CURRENCY, text) for text in numbers)
    forms = [
        NumberForm(point, group, has_currency)
        for group in ([thousands] if thousands else ["", *THOUSANDS])
        for point in ([decimal_point] if decimal_point else [".", ","])
        if group != point
    ]
    counts = [sum(form.fits(text) for text in numbers) for form in forms]
    most = max(counts, default=0)
    best = [form for form, count in zip(forms, counts, strict=True) if count == most]
    written = [(form.decimal_point, form.thousands) for form in best]
    if delimiter == "," and written[0] == (",", "") and (".", ",") in written:
        example = next(text for text in numbers if "," in text)
        raise DataError(
            f"{where}: {example} can be a decimal number or one of thousands; say which with --decimal , or "
            "--thousands ,"
        )
    return best[0]
