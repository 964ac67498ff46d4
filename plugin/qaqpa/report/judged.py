# SPDX-License-Identifier: Apache-2.0
"""What reports are made of: a decision with where its findings stand, and how it compares with an earlier state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qaqpa.model import Decision, Verdict

if TYPE_CHECKING:
    from qaqpa.report.places import Places


@dataclass(frozen=True)
class Place:
    """Where something stands in a file. `line` and `column` count from 1.

    `file` is the path as it was given: relative where the target was named by a relative path.
    """

    file: str
    line: int = 1
    column: int = 1


@dataclass(frozen=True)
class Change:
    """A violation that the base did not have, or no longer has; `level` is the worst that a profile makes of it.

    `level` is `deny` or `warn`.
    """

    control: str
    code: str
    field: str
    level: str


@dataclass(frozen=True)
class Comparison:
    """A model against its state at the base.

    `existed` is False for a model that is new, so that everything about it is new. `base_verdict` is empty where there
    was none, or it could not be read. `new` is what is worse: violations that were not there, and warnings that deny
    now. `ending` are the controls whose waiver ends within 14 days, or that lost one.
    """

    existed: bool
    base_verdict: str
    new: tuple[Change, ...] = ()
    mended: tuple[Change, ...] = ()
    ending: tuple[str, ...] = ()


@dataclass(frozen=True)
class Note:
    """Something that people have to know and that decides nothing: the code of a text, and its values by name.

    Of the values, `kinds` are kinds of evidence and `roles` are roles, which are called as the language calls them.
    """

    code: str
    values: Mapping[str, Sequence[str] | str | int] = field(default_factory=dict)


@dataclass(frozen=True)
class Judged:
    """One decision, ready for a report. `target` is a directory or a `models:/` URI, as it was named.

    `fail_on` is what the review refuses that this is a part of: `never`, `new` or `any`; empty without a base.
    """

    decision: Decision
    target: str
    places: Places
    comparison: Comparison | None = None
    notes: tuple[Note, ...] = ()
    fail_on: str = ""

    @property
    def refused(self) -> tuple[Change, ...]:
        """What became worse and is refused for that."""
        if self.comparison is None or self.fail_on not in {"new", "any"}:
            return ()
        return tuple(change for change in self.comparison.new if change.level == "deny")

    @property
    def gone(self) -> bool:
        """True where the directory of the model is gone: then every requirement fails, for that one reason."""
        return any(change.code == "model_removed" for change in self.comparison.new) if self.comparison else False

    @property
    def standing(self) -> Verdict:
        """The verdict, and a denial where nothing denies but the review refuses what became worse."""
        worse = self.decision.verdict is Verdict.ALLOW and self.refused
        return Verdict.DENY if worse else self.decision.verdict


@dataclass(frozen=True)
class Review:
    """The models of a tree against a base: its ref as named, and its commit, 40 or 64 hexadecimal digits.

    `target` is the tree, as it was named. `fail_on` is `never`, `new` or `any`; `outcome` is what the exit code says.
    """

    judged: tuple[Judged, ...]
    base: str
    commit: str
    fail_on: str
    outcome: Verdict
    target: str = ""


def each(report: Judged | Review) -> tuple[Judged, ...]:
    """The decisions of a report, one or several."""
    return report.judged if isinstance(report, Review) else (report,)


def outcome(report: Judged | Review) -> Verdict:
    """What the exit code says of a report."""
    return report.outcome if isinstance(report, Review) else report.decision.verdict
