# SPDX-License-Identifier: Apache-2.0
"""What reports say of a decision as a whole: its verdict, how many requirements are met, how it stands to the base."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qaqpa.escape import visible
from qaqpa.model import Decision, JsonObject, Verdict
from qaqpa.report import evidence, footer
from qaqpa.report.changes import changed, noted
from qaqpa.report.judged import Judged, Review
from qaqpa.report.texts import Texts

_SHORT_COMMIT = 12


def with_status(decision: Decision, status: str) -> list[JsonObject]:
    """The findings of a status."""
    return [finding for finding in decision.findings if finding["status"] == status]


def verdict(decision: Decision, texts: Texts) -> str:
    """The verdict as a word."""
    return texts.say(f"verdict.{decision.verdict.value}")


def circumstances(decision: Decision, texts: Texts) -> str:
    """For which stage it was decided, by which profiles, and who asked where that is known."""
    document = decision.document
    key = "summary.stage_asked_by" if document["actor"] else "summary.stage"
    return texts.say(key, stage=document["stage"], profiles=document["profiles"], actor=document["actor"])


def summary(decision: Decision, texts: Texts) -> str:
    """How many requirements are not met, or warn, and which are waived."""
    asked = sum(finding["status"] != "not_applicable" for finding in decision.findings)
    failed, warned = (len(with_status(decision, status)) for status in ("fail", "warn"))
    waived = evidence.waived(decision, texts)
    key = f"summary.{decision.verdict.value}"
    if decision.verdict is Verdict.ALLOW and (warned or waived):
        key = "summary.allow_with_warnings" if warned else "summary.allow_with_waivers"
    elif decision.verdict is Verdict.DENY and not failed:
        key = "summary.deny_by_problem"
    return f"{texts.say(key, asked=asked, failed=failed, warned=warned)} {waived}".rstrip()


def compared(judged: Judged, texts: Texts) -> list[tuple[str, list[str]]]:
    """How a model stands to the base: what each part is called, and its lines; none without a base."""
    comparison = judged.comparison
    if comparison is None:
        return []
    parts = [
        ("compare.new", [changed(change, texts) for change in comparison.new]),
        ("compare.mended", [changed(change, texts) for change in comparison.mended]),
        ("compare.ending", [_ending(control, judged.decision, texts) for control in comparison.ending]),
        ("compare.notes", [noted(note, texts) for note in judged.notes]),
    ]
    return [(texts.say(key), lines) for key, lines in parts if lines]


def before(judged: Judged, texts: Texts) -> str:
    """What was decided about a model at the base; empty without one."""
    comparison = judged.comparison
    if comparison is None:
        return ""
    if not comparison.existed:
        return texts.say("compare.new_model")
    known = comparison.base_verdict in {known.value for known in Verdict}
    if not known:
        return texts.say("compare.unreadable")
    return texts.say("compare.before", verdict=texts.say(f"verdict.{comparison.base_verdict}"))


def against(review: Review, texts: Texts) -> str:
    """What a review was compared with."""
    return texts.say("compare.against", base=review.base, commit=review.commit[:_SHORT_COMMIT])


def weight(review: Review, texts: Texts) -> str:
    """What a review refuses."""
    return texts.say(f"compare.fail_on_{review.fail_on}")


def notes(decision: Decision, texts: Texts) -> Iterator[str]:
    """What has to be said with any decision, at its end."""
    yield from footer.circumstances(decision, texts)
    yield texts.say("footer.meaning")


def overview(review: Review) -> Sequence[Judged]:
    """The models of a review, those that stand worst first."""
    order = (Verdict.UNDECIDED, Verdict.DENY, Verdict.ALLOW)
    return sorted(
        review.judged,
        key=lambda judged: (
            order.index(judged.decision.verdict),
            -len(judged.comparison.new if judged.comparison else ()),
            judged.decision.document["subject"]["name"],
            judged.target,
        ),
    )


def _ending(control: str, decision: Decision, texts: Texts) -> str:
    """A waiver that ends: until when, or that it is no more."""
    own = next((finding for finding in decision.findings if finding["control"] == control), None)
    named = f"{visible(control)} {texts.title(control)}"
    ends = [waiver["until"]["text"] for waiver in own["waivers"]] if own else []
    return f"{named}: {texts.say('compare.until', until=min(ends)) if ends else texts.say('compare.lost')}"
