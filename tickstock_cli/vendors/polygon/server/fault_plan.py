"""A file of faults: what the played vendor does wrong, and how it is played besides."""

from __future__ import annotations

import tomllib
from datetime import tzinfo
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from tickstock_cli.config.validation_errors import reason
from tickstock_cli.errors import SettingsError
from tickstock_cli.storage.names import check_local
from tickstock_cli.vendors.polygon.server.faults import AnyFault, Duplicates, FaultTable, TimedFault


class Tls(FaultTable):
    """TLS: with a certificate of the user's, or with one that signs itself.

    Parameters
    ----------
    certificate, key
        PEM files.
    name
        Host that a certificate is made for, with the command ``openssl``; another host's is the fault.
    """

    certificate: Path | None = None
    key: Path | None = None
    name: str | None = None

    @model_validator(mode="after")
    def _one_certificate(self) -> Tls:
        given = (self.certificate is not None, self.key is not None, self.name is not None)
        if given not in ((True, True, False), (False, False, True)):
            raise ValueError("give either certificate and key, or name")
        return self


class FaultPlan(FaultTable):
    """What a file of faults says. Without faults, the vendor is played as it behaves on a good day.

    Parameters
    ----------
    seed
        Seed of everything drawn.
    clock
        Whose seconds those of faults are: of the wall, or of the recording, which pass as fast as it is played.
    acks
        Whether the acknowledgements of a command come in one frame, or each in its own.
    """

    seed: int = 0
    clock: Literal["wall", "market"] = "wall"
    acks: Literal["together", "each"] = "together"
    tls: Tls | None = None
    fault: tuple[Annotated[AnyFault, Field(discriminator="kind")], ...] = ()

    @property
    def most_repeated(self) -> int:
        """The most events that a fault repeats."""
        return max((fault.rows for fault in self.fault if isinstance(fault, Duplicates)), default=0)

    def at_speed(self, speed: float | None) -> FaultPlan:
        """Return the plan in seconds of the wall, for a recording that is played at ``speed``.

        Raises
        ------
        SettingsError
            Its clock is the market's, and the recording has no speed.
        """
        if self.clock == "wall":
            return self
        if speed is None:
            raise SettingsError(
                'faults with clock = "market" need a speed: --speed max has no seconds of the recording'
            )
        return self.model_copy(update={"clock": "wall", "fault": tuple(fault.faster(speed) for fault in self.fault)})

    def dated(self, span: tuple[int, int] | None, zone: tzinfo) -> FaultPlan:
        """Return the plan with full times instead of times of day.

        Parameters
        ----------
        span, zone
            As for `TimeInput.resolved`, which has the errors, too.
        """
        faults = (fault.dated(span, zone) if isinstance(fault, TimedFault) else fault for fault in self.fault)
        return self.model_copy(update={"fault": tuple(faults)})


def load_faults(path: Path) -> FaultPlan:
    """Read a file of faults (TOML).

    Raises
    ------
    SettingsError
        The file cannot be read, or says something that is no fault; the message names the place.
    """
    check_local(path, "a file of faults")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # some editors begin a file with a mark
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise SettingsError(f"cannot read the faults of {path}: {why}; name a file of faults") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read the faults of {path}: it is not TOML ({error})") from error
    try:
        return FaultPlan.model_validate(values)
    except ValidationError as error:
        raise SettingsError(f"{path}: {_complaint(values, error)}") from error


def _complaint(values: dict[str, Any], error: ValidationError) -> str:
    """Return the first validation error, with its place as a reader counts it."""
    first = error.errors()[0]
    loc = first["loc"]
    if loc[:1] != ("fault",) or len(loc) < 2 or not isinstance(loc[1], int):
        return f"{'.'.join(map(str, loc)) or 'the file'}: {_why(first)}"
    table = values["fault"][loc[1]]
    kind = table.get("kind") if isinstance(table, dict) else None
    place = f"fault {loc[1] + 1}" + (f" ({kind})" if kind is not None else "")
    key = ".".join(str(part) for part in loc[3:] if not str(part).startswith(("tuple", "function", "constrained")))
    return f"{place}: {f'{key}: ' if key else ''}{_why(first)}"


def _why(error: Any) -> str:
    match error["type"]:
        case "extra_forbidden":
            return "there is no such key; see docs/polygon.md"
        case "missing":
            return "must be given"
        case "union_tag_invalid":
            return f"there is no fault of this kind; the kinds are {error['ctx']['expected_tags'].replace(chr(39), '')}"
        case "union_tag_not_found":
            return 'must have a kind, as in kind = "abort"'
    return reason(error)
