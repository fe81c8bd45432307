"""The verdict on a file: a score of 100 less what its findings cost, and a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tickstock_cli.inspection.quality.aspects import QualityFinding

GRADES = ((90, "good"), (70, "fair"), (1, "poor"), (0, "unusable"))
"""Lowest score of each word."""

ROW_ASPECTS = ("warning", "rejected", "unsorted", "left out", "duplicates")
"""Aspects of ``row_findings``: names of the report's lines that have the counts."""

MOST_FOR_REJECTED = 40.0
DOUBLED = 0.4
"""Share of equal rows above which a file probably has its rows twice; of a liquid stock's trades, 11 % are equal."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far a file can be relied on, and why.

    Parameters
    ----------
    score
        0 to 100; 100 = no finding costs anything, 0 = no row can be used.
    findings
        What was found, the most expensive first.
    """

    score: int
    findings: tuple[QualityFinding, ...]

    @property
    def word(self) -> str:
        """The word for the score."""
        return grade(self.score)

    @property
    def line(self) -> str:
        """The verdict in one line."""
        reasons = [f"{aspect} -{points}" for aspect, points in costs(self.findings).items()]
        return f"{self.word}, {self.score} of 100" + (f" ({', '.join(reasons)})" if reasons else "")

    def as_dict(self) -> dict[str, Any]:
        """Return the object of ``--json``."""
        return {
            "score": self.score,
            "verdict": self.word,
            "costs": costs(self.findings),
            "findings": [
                {"aspect": found.aspect, "text": found.text, "points": round(found.points, 1), "advice": found.advice}
                for found in self.findings
            ],
        }


def grade(score: int) -> str:
    """Return the word for a score."""
    return next(word for lowest, word in GRADES if score >= lowest)


def verdict(findings: Sequence[QualityFinding], usable: bool) -> Verdict:
    """Return the verdict on a file; ``usable`` = at least one row can be used."""
    ordered = tuple(sorted(findings, key=lambda finding: -finding.points))
    # A file with usable rows is never unusable.
    return Verdict(max(1, 100 - sum(costs(ordered).values())) if usable else 0, ordered)


def costs(findings: Sequence[QualityFinding]) -> dict[str, int]:
    """Return what each aspect costs, in whole points, the most expensive first; aspects that cost nothing are left out.

    They add up to what is missing to 100, as long as that is below 100.
    """
    points: dict[str, float] = {}
    for finding in findings:
        points[finding.aspect] = points.get(finding.aspect, 0.0) + finding.points
    whole = {aspect: max(1, round(lost)) for aspect, lost in points.items() if lost}
    return dict(sorted(whole.items(), key=lambda cost: -cost[1]))


def row_findings(
    rows: int,
    rejected: Mapping[str, int],
    ignored: Mapping[str, int],
    copies: int,
    warnings: Sequence[str],
    unsorted: bool,
) -> Iterator[QualityFinding]:
    """Yield what the counts of a file's rows mean.

    Parameters
    ----------
    rejected
        Rows that a replay rejects, by reason.
    ignored
        Accepted rows of phases that ``session.phases`` leaves out, by phase.
    copies
        Rows that equal an earlier one.
    warnings
        Contradictions between the file and how it is read.
    unsorted
        Whether the file is not in order.

    Notes
    -----
    Their names are those of the lines of a report that show the same counts.
    """
    for warning in warnings:
        yield QualityFinding("warning", warning, 30.0)
    lost = sum(rejected.values())
    if lost:
        points = min(MOST_FOR_REJECTED, max(1.0, 4 * MOST_FOR_REJECTED * lost / rows))
        yield QualityFinding(
            "rejected", f"{lost / rows:.2%} of the rows", points, "replay with --rejects FILE to see them"
        )
    if unsorted:
        yield QualityFinding("unsorted", "rows are not in the order of time", 2.0, "replay with --sort")
    left_out = sum(ignored.values())
    if left_out and left_out == rows - lost:
        yield QualityFinding(
            "left out", "session.phases leaves out every row", 50.0, "add the phases to session.phases"
        )
    if copies > DOUBLED * rows:
        yield QualityFinding(
            "duplicates", f"{copies / rows:.0%} of the rows occur twice", 20.0, "keep one copy of each row"
        )
