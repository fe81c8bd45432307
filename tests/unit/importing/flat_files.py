"""Flat files of a vendor's day, small and by hand."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

TRADES = (
    "ticker,conditions,correction,exchange,id,participant_timestamp,price,sequence_number,sip_timestamp,size,tape,"
    "trf_id,trf_timestamp"
)
BARS = "ticker,volume,open,close,high,low,window_start,transactions"
QUOTES = (
    "ticker,ask_exchange,ask_price,ask_size,bid_exchange,bid_price,bid_size,conditions,indicators,"
    "participant_timestamp,sequence_number,sip_timestamp,tape,trf_timestamp"
)

OPEN = 1_704_292_200_000_000_000
"""09:30 in New York on Wednesday, 3 January 2024, ns UTC."""
SECOND = 1_000_000_000


def trade(
    ticker: str,
    at: int,
    price: str,
    *,
    size: str = "100",
    conditions: str = "",
    correction: str = "0",
    printed: int = 0,
    number: int = 1,
) -> str:
    """Return a line of trades_v1; times are ns behind the open, ``printed`` how long before that it happened."""
    quoted = f'"{conditions}"' if "," in conditions else conditions
    return (
        f"{ticker},{quoted},{correction},11,{number},{OPEN + at - printed if printed else 0},{price},{number},"
        f"{OPEN + at},{size},3,0,0"
    )


def write_gz(path: Path, heading: str, lines: Sequence[str]) -> Path:
    """Write a flat file; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{line}\n" for line in (heading, *lines))
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    return path
