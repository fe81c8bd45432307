"""Names of hosts, as a resolver takes them."""

from __future__ import annotations


def is_host_name(name: str) -> bool:
    """Return whether a name, or an address without brackets, can be looked up.

    Others end in errors of the resolver that say neither the name nor what is wrong with it.

    Examples
    --------
    >>> [is_host_name(name) for name in ("localhost", "::1", "a..b", "x" * 64, "exa mple", "")]
    [True, True, False, False, False, False]
    """
    try:
        name.encode("idna")
    except UnicodeError:
        return False
    return bool(name) and name.isprintable() and " " not in name
