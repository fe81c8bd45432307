"""Addresses follow from the settings; the key comes from the environment and is shown nowhere."""

from __future__ import annotations

import pytest

from tickstock_cli.errors import UsageError
from tickstock_cli.vendors.polygon.params import Endpoint, Key, PolygonParams, checked_url, endpoints, key_from


def test_each_feed_has_its_host() -> None:
    """The delayed feed of a real-time key and the other way round are refused by the vendor."""
    (endpoint,) = endpoints(PolygonParams(feed="delayed", channels=("T", "AM")))

    assert (endpoint.url, endpoint.channels) == ("wss://delayed.massive.com/stocks", ("T", "AM"))


def test_fair_values_have_a_connection_of_their_own() -> None:
    """They are on the business host only."""
    stocks, business = endpoints(PolygonParams(channels=("T", "FMV", "AM")))

    assert (stocks.url, stocks.channels) == ("wss://socket.massive.com/stocks", ("T", "AM"))
    assert (business.url, business.channels) == ("wss://business.massive.com/stocks", ("FMV",))


def test_the_business_feed_has_one_connection() -> None:
    """Its host has minute bars, too."""
    (endpoint,) = endpoints(PolygonParams(feed="business", channels=("FMV", "AM")))

    assert endpoint.channels == ("AM", "FMV")


def test_a_given_address_serves_all_channels() -> None:
    """A played vendor listens once."""
    (endpoint,) = endpoints(PolygonParams(url="ws://127.0.0.1:9443", channels=("T", "FMV")))

    assert (endpoint.url, endpoint.channels) == ("ws://127.0.0.1:9443/stocks", ("T", "FMV"))


def test_fair_values_can_have_another_address() -> None:
    """Two played vendors, or stocks from the vendor and fair values from elsewhere."""
    here, there = "ws://127.0.0.1:9443/stocks", "ws://127.0.0.1:9444/stocks"
    both = endpoints(PolygonParams(url=here, fmv_url=there, channels=("FMV", "T")))
    one = endpoints(PolygonParams(fmv_url=there, channels=("T", "FMV")))
    same = endpoints(PolygonParams(url=here, fmv_url=here, channels=("T", "FMV")))
    unused = endpoints(PolygonParams(url=here, fmv_url=there, channels=("T",)))

    assert both == (Endpoint(here, ("T",)), Endpoint(there, ("FMV",)))
    assert one == (Endpoint("wss://socket.massive.com/stocks", ("T",)), Endpoint(there, ("FMV",)))
    assert same == (Endpoint(here, ("T", "FMV")),)
    assert unused == (Endpoint(here, ("T",)),)


NO_NAMES = ("ws://a..b", f"ws://{'x' * 64}.example", "ws://exa mple")


@pytest.mark.parametrize(
    "url", ["http://host", "ws://", "wss://host:99999", "wss://me:pass@host", "wss://h/?apiKey=s", *NO_NAMES]
)
def test_an_address_that_is_none_is_an_error(url: str) -> None:
    """One line says what to write; a password in it is not repeated."""
    with pytest.raises(UsageError, match="address of") as refused:
        checked_url(url)
    assert "me:pass" not in str(refused.value)
    assert "apiKey" not in str(refused.value)


def test_a_missing_key_is_an_error_that_says_what_to_do() -> None:
    """Without an account there is the played vendor."""
    with pytest.raises(UsageError, match=r"set POLYGON_API_KEY or MASSIVE_API_KEY; .*replay PATH --as-polygon"):
        key_from({"POLYGON_API_KEY": " "})


def test_the_key_shows_in_no_representation() -> None:
    """Logs, tracebacks with variables and the words of a server that repeats it."""
    key = key_from({"MASSIVE_API_KEY": "s3cr3t"})

    assert "s3cr3t" not in f"{key!r} {key} {[key]} {key.masked('bad key s3cr3t')}"
    assert key.reveal() == "s3cr3t"
    assert not hasattr(Key("x"), "__dict__")
