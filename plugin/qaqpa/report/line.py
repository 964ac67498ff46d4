# SPDX-License-Identifier: Apache-2.0
"""The decision as one line, as MLflow's client, its web page and a log show it."""

from __future__ import annotations

from qaqpa.model import Decision, JsonObject, Verdict
from qaqpa.policy.bundle import Catalog
from qaqpa.report.escape import visible
from qaqpa.report.texts import Texts

_MOST = 12


def one_line(decision: Decision, catalog: Catalog, language: str = "en") -> str:
    """The verdict, then each thing that stands in the way as `1) … 2) …`, then how to learn more.

    MLflow's page folds line breaks into spaces, so the line has none; the most important sentence is the first.
    """
    texts = Texts(catalog, language)
    subject = decision.document["subject"]
    model = visible(f"{subject['name']} version {subject['version']}" if subject["version"] else subject["name"])
    failed = [finding for finding in decision.findings if finding["status"] == "fail"]
    asked = sum(finding["status"] != "not_applicable" for finding in decision.findings)
    head = texts.say(
        f"line.{decision.verdict.value}",
        model=model,
        stage=decision.document["stage"],
        failed=len(failed),
        asked=asked,
    )
    if decision.verdict is Verdict.ALLOW:
        return head
    reasons = _reasons(decision, failed, texts)
    numbered = [f"{number}) {reason}" for number, reason in enumerate(reasons[:_MOST], 1)]
    if len(reasons) > _MOST:
        numbered.append(texts.say("line.more", count=len(reasons) - _MOST))
    target = f"models:/{subject['name']}/{subject['version']}" if subject["version"] else subject["name"]
    return " ".join([head, *numbered, texts.say("line.nothing_changed", target=target)])


def _reasons(decision: Decision, failed: list[JsonObject], texts: Texts) -> list[str]:
    # A problem is often the cause of all that fails, so it comes first whatever the verdict.
    reasons = []
    for problem in decision.problems:
        detail = visible(problem["detail"])
        reasons.append(f"{texts.say('problem.' + problem['code'])} {detail}".strip())
    for finding in failed:
        control = finding["control"]
        denying = [found for found in texts.worst_first(finding) if found["level"] == "deny"]
        more = f" {texts.say('line.more_here', count=len(denying) - 1)}" if len(denying) > 1 else ""
        reasons.append(f"{control} {texts.violation(control, denying[0])}{more} [{texts.actor(control)}]")
    if decision.verdict is Verdict.UNDECIDED:
        reasons += [
            f"{f['control']} {texts.say('finding.undecided')}" for f in decision.findings if f["status"] == "undecided"
        ]
    return reasons
