# SPDX-License-Identifier: Apache-2.0
"""What stands in the way as annotations: workflow commands, which GitHub shows on the lines of a pull request."""

from __future__ import annotations

from qaqpa.escape import visible
from qaqpa.policy.bundle import Catalog
from qaqpa.report.judged import Judged, Review, each
from qaqpa.report.places import inside
from qaqpa.report.results import LEVELS, Result, for_people
from qaqpa.report.texts import Texts

MOST = 10
"""How many annotations of each level GitHub shows of a step; it drops the rest without a word."""

_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = {**_DATA, **str.maketrans({":": "%3A", ",": "%2C"})}


def render(report: Judged | Review, catalog: Catalog, language: str = "en") -> str:
    """One command a line, the worst first; where there are more than GitHub shows, a notice says how many."""
    texts = Texts(catalog, language)
    found = [
        (judged.decision.document["subject"], result) for judged in each(report) for result in for_people(judged, texts)
    ]
    found.sort(key=lambda pair: (not pair[1].blocks, LEVELS.index(pair[1].shown), pair[1].change != "new"))
    shown: dict[str, list[str]] = {level: [] for level in LEVELS}
    for subject, result in found:
        shown[result.shown].append(_annotation(result, texts.subject(subject), texts))
    kept = _kept(shown)
    left = sum(map(len, shown.values())) - sum(map(len, kept.values()))
    lines = [line for level in LEVELS for line in kept[level]]
    if left:
        lines.append(command("notice", texts.say("report.more", count=left), title="Qaqpa"))
    return "".join(f"{line}\n" for line in lines)


def command(name: str, message: str, **properties: object) -> str:
    """A workflow command; nothing in its parts can begin another one."""
    said = ",".join(f"{key}={str(value).translate(_PROPERTY)}" for key, value in properties.items() if value)
    return f"::{name}{' ' if said else ''}{said}::{message.translate(_DATA)}"


def _kept(shown: dict[str, list[str]]) -> dict[str, list[str]]:
    """What GitHub shows of each level; the notice about what it does not show counts as one."""
    kept = {level: lines[:MOST] for level, lines in shown.items()}
    if kept != shown and len(kept["note"]) == MOST:
        kept["note"].pop()
    return kept


def _annotation(result: Result, subject: str, texts: Texts) -> str:
    place = result.place
    file = inside(place.file) if place else None
    where = {"file": visible(file), "line": place.line, "col": place.column} if place and file else {}
    parts = (
        f"{subject}: {result.message}",
        result.required and f"{texts.say('finding.required')} {result.required}",
        *(f"{texts.say('finding.because')} {reason.line}" for reason in result.because),
        result.mend and f"{texts.say('finding.mend')} {result.mend}",
    )
    message = "\n".join(part for part in parts if part)
    title = f"{result.name}: {result.title}"
    return command(_COMMANDS[result.shown], message, **where, title=title)
