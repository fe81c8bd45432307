"""What tests of epochs share: a served run whose market jumps."""

from __future__ import annotations

from dataclasses import replace

from tickstock_cli.broadcast.epochs import EpochLog
from tickstock_cli.eventlog.view import LogView
from tickstock_cli.serving.server import ServerThread


def jumped(server: ServerThread, log: LogView, told: int) -> EpochLog:
    """Have the market of a served run stand where so many events had been told, and return what tells more of them."""
    before = server.server.hub.served
    epoch = EpochLog(log, told + 1)
    server.begin_epoch(replace(before, log=epoch, epoch=before.epoch + 1, begins=told + 1))
    return epoch
