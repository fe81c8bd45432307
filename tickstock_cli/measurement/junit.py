"""Verdicts as JUnit XML, which CI systems show as tests."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

from tickstock_cli.measurement.verdict import TargetVerdict, number

_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML cannot hold, not even escaped."""


def junit(
    suite: str, verdicts: Sequence[TargetVerdict], *, seconds: float = 0, properties: Mapping[str, str] | None = None
) -> bytes:
    """Return a JUnit document with one test case for each verdict.

    A missed target is a failure, an unmeasured one an error, and one that was not asked for is skipped.

    Parameters
    ----------
    suite
        Name of the measurement, as in ``tickstock.loadtest.steady_state``.
    seconds
        Duration of the measurement.
    properties
        Further facts, such as those of the machine.
    """
    failed = sum(verdict.ok is False and verdict.asked for verdict in verdicts)
    errors = sum(verdict.ok is None and verdict.asked for verdict in verdicts)
    skipped = sum(not verdict.asked for verdict in verdicts)
    counts = {"tests": len(verdicts), "failures": failed, "errors": errors, "skipped": skipped}
    root = ET.Element("testsuites")
    element = ET.SubElement(
        root,
        "testsuite",
        {"name": _clean(suite), **{name: str(count) for name, count in counts.items()}, "time": f"{seconds:.3f}"},
    )
    if properties:
        holder = ET.SubElement(element, "properties")
        for name, value in properties.items():
            ET.SubElement(holder, "property", {"name": _clean(name), "value": _clean(value)})
    for verdict in verdicts:
        _add_case(element, suite, verdict)
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _add_case(suite: ET.Element, class_name: str, verdict: TargetVerdict) -> None:
    name = f"{verdict.title} {verdict.target}".strip()
    case = ET.SubElement(suite, "testcase", {"classname": _clean(class_name), "name": _clean(name)})
    said = number(verdict.measured, verdict.unit)
    note = f"; {verdict.note}" if verdict.note else ""
    if not verdict.asked:
        ET.SubElement(case, "skipped", {"message": _clean(verdict.note or "not asked")})
    elif verdict.ok is None:
        ET.SubElement(case, "error", {"message": _clean(f"not measured{note}"), "type": verdict.name})
    elif not verdict.ok:
        ET.SubElement(case, "failure", {"message": _clean(f"{said}{note}"), "type": verdict.name})
    else:
        ET.SubElement(case, "system-out").text = _clean(f"{said}{note}")


def _clean(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
