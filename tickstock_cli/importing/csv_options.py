"""Options of an import of CSV files: what cannot be found out of them."""

from __future__ import annotations

import codecs
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, Field, field_validator, model_validator

from tickstock_cli.config.zones import known_zone
from tickstock_cli.core.quantities import parse_duration
from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.errors import UsageError
from tickstock_cli.importing.files import BadRows
from tickstock_cli.importing.number_forms import THOUSANDS


class RecordName(StrEnum):
    """Record types."""

    TICK = "tick"
    OHLCV = "ohlcv"
    FMV = "fmv"


class TickerFrom(StrEnum):
    """Where tickers are, if no column has them."""

    FILENAME = "filename"


class CsvOptions(BaseModel):
    """Options of an import of CSV files."""

    map: tuple[str, ...] = Field(
        default=(),
        description="Name a column of the files, as in price=last; timestamp=Date+Time joins two. Repeatable.",
        json_schema_extra={"metavar": "OURS=THEIRS"},
    )
    type: RecordName | None = Field(default=None, description="Record type, where the columns fit several.")
    ticker: str | None = Field(default=None, min_length=1, description="The ticker of all rows.")
    ticker_from: TickerFrom | None = Field(
        default=None, description="Take the ticker from the file's name: AAPL of AAPL_1min.csv."
    )
    timezone: str | None = Field(default=None, description="Zone of times that have none, as in America/New_York.")
    time_format: str | None = Field(
        default=None, description="Form of the times, as in '%d.%m.%Y %H:%M:%S%.f', where it is not found out."
    )
    interval: str | None = Field(
        default=None,
        description="Length of bars, as in 5m or 1d, where no column has it and their distance does not show it.",
    )
    columns: str | None = Field(default=None, description="Names of the columns, where the first line has none: a,b,c.")
    delimiter: str | None = Field(default=None, description="What stands between fields; a tab is \\t.")
    decimal: str | None = Field(default=None, description="The decimal point: . or ,")
    thousands: str | None = Field(
        default=None, description="What groups the digits of numbers such as 1,234,567, where it is not found out."
    )
    encoding: str | None = Field(default=None, description="Encoding of the text, such as utf-8 or cp1252.")
    bad_rows: BadRows = Field(
        default=BadRows.FAIL, description="Lines that cannot be read: fail at the first, or drop and count each."
    )

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, name: str | None) -> str | None:
        return name and known_zone(name)

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, name: str | None) -> str | None:
        try:
            return name and codecs.lookup(name).name
        except LookupError as error:
            raise ValueError("must be an encoding such as utf-8 or cp1252") from error

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.thousands is not None and self.thousands == self.decimal:
            raise UsageError(f"--decimal {self.decimal} and --thousands {self.thousands} are the same")
        return self

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, text: str | None) -> str | None:
        text = "\t" if text == "\\t" else text
        if text is not None and len(text) != 1:
            raise ValueError("must be one character")
        return text

    @field_validator("decimal")
    @classmethod
    def _point_or_comma(cls, text: str | None) -> str | None:
        if text not in (None, ".", ","):
            raise ValueError("must be . or ,")
        return text

    @field_validator("thousands")
    @classmethod
    def _groups(cls, text: str | None) -> str | None:
        if text not in (None, *THOUSANDS):
            raise ValueError("must be , . ' or a blank")
        return text

    @field_validator("interval")
    @classmethod
    def _duration(cls, text: str | None) -> str | None:
        try:
            return text and str(parse_duration(text) / NS_PER_SECOND)
        except UsageError as error:
            raise ValueError(str(error)) from error
