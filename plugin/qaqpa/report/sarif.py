# SPDX-License-Identifier: Apache-2.0
"""What stands in the way as SARIF 2.1.0, within the limits of GitHub's code scanning."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from qaqpa import __version__
from qaqpa.errors import UsageError
from qaqpa.model import JsonObject, Verdict
from qaqpa.policy.bundle import Catalog
from qaqpa.report import evidence
from qaqpa.report.json import written
from qaqpa.report.judged import Judged, Review, each
from qaqpa.report.places import inside
from qaqpa.report.results import Result, results
from qaqpa.report.rules import plain, rule, rule_id
from qaqpa.report.texts import Texts

MAX_RUNS = 20
"""Most runs, each about one model, that GitHub takes in one file."""

MAX_RESULTS = 25_000
"""Most results that it takes in one run."""

MAX_BYTES = 10_000_000
"""Largest file that it takes, in bytes after gzip."""

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_SMALLEST = 16


def render(report: Judged | Review, catalog: Catalog, language: str = "en") -> str:
    """One run for each model.

    Where there are more results than GitHub takes, the least are left out, and a notification says how many.

    Raises:
        UsageError: there are more models than runs that GitHub takes.
    """
    judged = each(report)
    if len(judged) > MAX_RUNS:
        raise UsageError(
            f"These are {len(judged)} models, and GitHub takes a SARIF file of {MAX_RUNS} runs",
            where="--format sarif",
            required=f"at most {MAX_RUNS} models",
            mend="Check parts of the tree one after the other, each with a SARIF file of its own",
        )
    texts = Texts(catalog, language)
    most = MAX_RESULTS
    found = [results(one, texts) for one in judged]
    while True:
        text = _rendered(judged, found, texts, most)
        if most <= _SMALLEST or len(gzip.compress(text.encode(), mtime=0)) <= MAX_BYTES:
            return text
        most = min(most, max(map(len, found), default=0)) // 2


def _rendered(judged: Sequence[Judged], found: Sequence[list[Result]], texts: Texts, most: int) -> str:
    names = Counter(_name(one) for one in judged)
    runs = [
        _run(one, listed, texts, most, own=names[_name(one)] > 1) for one, listed in zip(judged, found, strict=True)
    ]
    return written({"$schema": _SCHEMA, "version": "2.1.0", "runs": runs})


def _run(judged: Judged, found: list[Result], texts: Texts, most: int, *, own: bool) -> JsonObject:
    decision, shown = judged.decision, found[:most]
    identifiers = list(dict.fromkeys(map(rule_id, shown)))
    excused = any(result.status == "waived" for result in shown)
    name = _name(judged) + (quote(judged.target.strip("/"), safe="") + "/" if own else "")
    return {
        "tool": {
            "driver": {
                "name": "Qaqpa",
                "version": __version__,
                "semanticVersion": __version__,
                "language": texts.language,
                "rules": [
                    rule(next(result for result in shown if rule_id(result) == identifier), texts)
                    for identifier in identifiers
                ],
            }
        },
        "automationDetails": {"id": name},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(judged, found, texts, most)],
        "results": [_result(result, identifiers, judged, texts, excused=excused) for result in shown],
        "properties": {
            "verdict": decision.verdict.value,
            "stage": decision.document["stage"],
            "profiles": list(decision.document["profiles"]),
            "policyDigest": decision.policy_digest,
            "engine": decision.engine,
            "modelDigest": decision.document["subject"]["digest"],
        },
    }


def _name(judged: Judged) -> str:
    document = judged.decision.document
    return f"qaqpa/{quote(document['subject']['name'], safe='', errors='replace')}/{document['stage']}/"


def _invocation(judged: Judged, found: list[Result], texts: Texts, most: int) -> JsonObject:
    decision = judged.decision
    notices: list[JsonObject] = []
    if decision.verdict is Verdict.UNDECIDED:
        told = [result for result in found if result.status in {"problem", "undecided"}]
        said = [result.message for result in told] or [texts.say("summary.undecided")]
        notices += [{"level": "error", "message": {"text": plain(text)}} for text in said[:most]]
    if len(found) > most:
        text = texts.say("report.left_out", count=len(found) - most)
        notices.append({"level": "warning", "message": {"text": plain(text)}})
    return {
        "executionSuccessful": decision.verdict is not Verdict.UNDECIDED,
        "endTimeUtc": decision.document["now"]["text"],
        "toolExecutionNotifications": notices,
    }


def _result(result: Result, identifiers: Sequence[str], judged: Judged, texts: Texts, *, excused: bool) -> JsonObject:
    identifier = rule_id(result)
    found: dict[str, object] = {
        "ruleId": identifier,
        "ruleIndex": identifiers.index(identifier),
        "level": result.shown,
        "kind": "fail",
        "message": {"text": plain(" ".join(filter(None, (result.message, result.mend))))},
        "locations": [_location(result, judged)],
        # GitHub tells results apart by the second only, which it would else make of the text of the line.
        "partialFingerprints": {
            "qaqpaResult/v1": result.fingerprint,
            "primaryLocationLineHash": f"{result.fingerprint[:16]}:1",
        },
        "properties": {
            "code": result.code,
            "status": result.status,
            "profiles": list(result.profiles),
            "because": [reason.line for reason in result.because],
            "actor": result.actor,
            "change": result.change,
        },
    }
    if excused:
        # Where one result says whether it is suppressed, all have to.
        found["suppressions"] = _suppressions(result, judged, texts)
    return found


def _location(result: Result, judged: Judged) -> Mapping[str, object]:
    """A file that GitHub can show: that of the evidence, else the configuration, which is about all models."""
    subject = judged.decision.document["subject"]
    name = f"{subject['name']}/{subject['version']}".rstrip("/")
    logical = {"name": plain(subject["name"]), "fullyQualifiedName": plain(f"models:/{name}"), "kind": "resource"}
    place = result.place
    file = inside(place.file) if place else None
    region = {"startLine": place.line, "startColumn": place.column} if place and file else {"startLine": 1}
    uri = quote(file or judged.places.configuration, safe="/", errors="replace")
    return {
        "physicalLocation": {"artifactLocation": {"uri": uri}, "region": region},
        "logicalLocations": [logical],
    }


def _suppressions(result: Result, judged: Judged, texts: Texts) -> list[JsonObject]:
    if result.status != "waived":
        return []
    own = next(found for found in judged.decision.findings if found["control"] == result.control)
    return [
        {
            "kind": "external",
            "status": "accepted",
            "justification": plain(
                " ".join(line.text for line in evidence.waivers({**own, "waivers": [waiver]}, texts))
            ),
        }
        for waiver in own["waivers"]
    ]
