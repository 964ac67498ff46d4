# SPDX-License-Identifier: Apache-2.0
"""What reports say of a decision as a whole: its verdict, how many requirements are met, how it stands to the base."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qaqpa.escape import visible
from qaqpa.model import Decision, JsonObject, Verdict
from qaqpa.report import evidence, footer, rollback
from qaqpa.report.changes import changed, is_task, note_line
from qaqpa.report.judged import Judged, Review
from qaqpa.report.texts import Texts

_SHORT_COMMIT = 12


def with_status(decision: Decision, status: str) -> list[JsonObject]:
    """The findings of a status."""
    return [finding for finding in decision.findings if finding["status"] == status]


def verdict(decision: Decision, texts: Texts) -> str:
    """The verdict as a word."""
    return texts.say(f"verdict.{decision.verdict.value}")


def word(judged: Judged, texts: Texts) -> str:
    """How a model stands, as a word: its verdict, or that it is gone, or became worse in a way that is refused."""
    if judged.gone:
        return texts.say("compare.gone")
    return (
        texts.say("compare.worse")
        if judged.standing is not judged.decision.verdict
        else verdict(judged.decision, texts)
    )


def said_of(judged: Judged, texts: Texts) -> str:
    """The summary of a model; of one that is gone nothing is counted."""
    if judged.gone:
        return texts.say("compare.gone_meaning")
    worse = judged.standing is not judged.decision.verdict
    refused = f"{texts.say('compare.worse_meaning')} " if worse else ""
    return f"{refused}{summary(judged.decision, texts)}"


def concluded(review: Review, texts: Texts) -> str:
    """What the exit code of a review says, in few words: that nothing is refused is no praise."""
    said = texts.say(f"verdict.{review.outcome.value}")
    if review.outcome is not Verdict.ALLOW or not review.judged:
        return said
    if review.fail_on == "never":
        return texts.say("compare.advice")
    denied = any(judged.decision.verdict is Verdict.DENY for judged in review.judged)
    return texts.say("compare.not_worse") if denied else said


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
    said = (texts.say(key, asked=asked, failed=failed, warned=warned), waived, rollback.told(decision, texts))
    return " ".join(filter(None, said))


def compared(judged: Judged, texts: Texts) -> list[tuple[str, list[str]]]:
    """How a model stands to the base: what each part is called, and its lines; none without a base."""
    comparison = judged.comparison
    if comparison is None:
        return []
    refused, decision = judged.refused, judged.decision
    worse = [change for change in comparison.new if change not in refused]
    parts = [
        ("compare.refused", [changed(change, texts, decision) for change in refused]),
        ("compare.new", [changed(change, texts, decision) for change in worse]),
        ("compare.mended", [changed(change, texts) for change in comparison.mended]),
        ("compare.ending", [_ending(control, judged.decision, texts) for control in comparison.ending]),
        ("compare.notes", [note_line(note, texts) for note in judged.notes if not is_task(note)]),
    ]
    return [(texts.say(key), list(dict.fromkeys(lines))) for key, lines in parts if lines]


def tasks(judged: Judged, texts: Texts) -> list[str]:
    """What is to be signed before production, one line for each role, or for the persons who may."""
    return [note_line(note, texts) for note in judged.notes if is_task(note)]


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
    return texts.say("compare.against", base=review.base, commit=short(review))


def short(review: Review) -> str:
    """The commit of the base as people write it."""
    return review.commit[:_SHORT_COMMIT]


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
            order.index(judged.standing),
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
