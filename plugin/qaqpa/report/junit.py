# SPDX-License-Identifier: Apache-2.0
"""Decisions as JUnit XML, which most build servers show: a test case for each requirement that was asked for.

The standard library writes it: there are six kinds of element, and what matters is which finding becomes which.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from qaqpa.escape import visible
from qaqpa.model import JsonObject
from qaqpa.policy.bundle import Catalog
from qaqpa.report import evidence
from qaqpa.report.judged import Judged, Review, each
from qaqpa.report.results import Result, results
from qaqpa.report.texts import Texts

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def render(report: Judged | Review, catalog: Catalog, language: str = "en") -> str:
    """One suite for each model.

    What fails is a failure, what is waived or does not apply is skipped with the reason, and what could not be judged
    is an error. What became weaker and is no violation is a case of its own, and a failure where that is refused.
    JUnit knows no warnings: a case that only warns passes, and says so in its output.
    """
    texts = Texts(catalog, language)
    root = ET.Element("testsuites", name="qaqpa")
    for judged in each(report):
        root.append(_suite(judged, texts))
    _count(root)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(judged: Judged, texts: Texts) -> ET.Element:
    document = judged.decision.document
    name = f"{texts.subject(document['subject'])} {document['stage']}"
    suite = ET.Element("testsuite", name=_clean(name), timestamp=_clean(document["now"]["text"]))
    properties = ET.SubElement(suite, "properties")
    facts = {
        "verdict": judged.decision.verdict.value,
        "target": _name(judged.target),
        "engine": judged.decision.engine,
        "policy_digest": judged.decision.policy_digest,
        "model_digest": document["subject"]["digest"] or "",
    }
    for key, value in facts.items():
        ET.SubElement(properties, "property", name=key, value=_clean(value))
    found = results(judged, texts)
    for number, result in enumerate((result for result in found if result.status == "problem"), 1):
        case = _case(suite, f"{result.code} {number}", (result,), name)
        _outcome(case, "error", (result,), texts)
    for number, result in enumerate((result for result in found if result.weakens), 1):
        case = _case(suite, f"{result.name} {number}", (result,), name)
        if result.blocks:
            _outcome(case, "failure", (result,), texts)
        else:
            ET.SubElement(case, "system-out").text = _clean(_told(result, texts))
    for finding in judged.decision.findings:
        own = [result for result in found if result.control == finding["control"] and not result.weakens]
        _finding(suite, finding, own, name, texts)
    _count(suite)
    return suite


def _finding(suite: ET.Element, finding: JsonObject, found: list[Result], name: str, texts: Texts) -> None:
    case = _case(suite, f"{finding['control']} {texts.title(finding['control'])}", found, name)
    status = finding["status"]
    worst = [result for result in found if result.level == found[0].level] if found else []
    if status == "fail":
        _outcome(case, "failure", worst, texts)
    elif status == "undecided":
        _outcome(case, "error", worst, texts)
    elif status == "not_applicable":
        ET.SubElement(case, "skipped", message=_clean(evidence.not_applicable(finding, texts)))
    elif status == "waived":
        excuses = "; ".join(line.text for line in evidence.waivers(finding, texts))
        ET.SubElement(case, "skipped", message=_clean(excuses))
    told = found if status in {"warn", "waived"} else [result for result in found if result not in worst]
    if told:
        ET.SubElement(case, "system-out").text = _clean("\n\n".join(_told(result, texts) for result in told))


def _case(suite: ET.Element, name: str, found: Iterable[Result], model: str) -> ET.Element:
    case = ET.SubElement(suite, "testcase", classname=_clean(f"qaqpa.{model}"), name=_clean(name), time="0")
    place = next((result.place for result in found if result.place), None)
    if place is not None:
        case.set("file", _clean(_name(place.file)))
        case.set("line", str(place.line))
    return case


def _outcome(case: ET.Element, kind: str, found: Iterable[Result], texts: Texts) -> None:
    first, *_ = listed = list(found)
    element = ET.SubElement(case, kind, message=_clean(first.message), type=_clean(first.code))
    element.text = _clean("\n\n".join(_told(result, texts) for result in listed))


def _told(result: Result, texts: Texts) -> str:
    """The four parts of a result, and where it stands."""
    place = f"{_name(result.place.file)}:{result.place.line}:{result.place.column}" if result.place else ""
    parts = (
        f"[{'refused' if result.blocks and result.weakens else result.status}] {result.message}",
        place,
        result.required and f"{texts.say('finding.required')} {result.required}",
        *(f"{texts.say('finding.because')} {reason.line}" for reason in result.because),
        result.mend and f"{texts.say('finding.mend')} {result.mend} ({result.actor})".removesuffix(" ()"),
    )
    return "\n".join(part for part in parts if part)


def _name(text: str) -> str:
    """A path or a target on one line."""
    return visible(text, len(text))


def _count(element: ET.Element) -> None:
    element.set("tests", str(len(element.findall(".//testcase"))))
    for name, tag in _COUNTED.items():
        element.set(name, str(len(element.findall(f".//testcase/{tag}"))))


def _clean(text: str) -> str:
    """Lines without the characters that XML cannot hold, or a terminal or a runner of workflows would obey."""
    return _NOT_XML.sub("\ufffd", "\n".join(visible(line, len(line)) for line in text.split("\n")))
