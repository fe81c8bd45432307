"""Starts the faults of events and frames on the way to one client."""

from __future__ import annotations

from tickstock_cli.vendors.polygon.server import faults as kinds
from tickstock_cli.vendors.polygon.server.alterations import alteration
from tickstock_cli.vendors.polygon.server.outgoing import Outgoing

TRUNCATED = b'[{"ev":"T","sym":"AAPL","p":189.2'
NO_ARRAY = b'{"ev":"status","status":"success","message":"an object in no array"}'


def begin(fault: kinds.VendorFault, outgoing: Outgoing) -> None:
    """Start a timed fault now."""
    match fault:
        case kinds.Close():
            outgoing.close(fault.code, fault.because)
        case kinds.Abort():
            outgoing.end()
        case kinds.Silence():
            outgoing.mute(pongs=fault.pongs, seconds=fault.seconds)
        case kinds.SlowConsumer():
            outgoing.lag(fault.seconds)
        case kinds.TruncatedFrame():
            outgoing.inject(TRUNCATED)
        case kinds.NotAnArray():
            outgoing.inject(NO_ARRAY)
        case kinds.BigFrame():
            outgoing.gather(fault.bytes, fault.seconds)
        case kinds.AlteringFault():
            outgoing.alterations.append(alteration(fault))
        case _:
            raise AssertionError(f"{fault.kind} is no fault of events or frames")
