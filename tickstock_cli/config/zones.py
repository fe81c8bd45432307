"""Names of time zones in settings."""

from __future__ import annotations

from difflib import get_close_matches
from zoneinfo import available_timezones


def known_zone(name: str) -> str:
    """Return the name of a zone. Raises ValueError with the nearest one if there is none of the name."""
    if name == "UTC":
        return name
    zones = available_timezones() - {"localtime"}  # it differs between machines
    if name in zones:
        return name
    wanted = name.replace(" ", "_").lower()
    by_name = {form.lower(): zone for zone in sorted(zones) for form in (zone.rpartition("/")[2], zone)}
    near = get_close_matches(wanted, by_name, n=1)
    hint = f"; did you mean {by_name[near[0]]}?" if near else ", as in America/New_York"
    raise ValueError(f"must be the name of a time zone{hint}")
