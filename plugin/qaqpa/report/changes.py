# SPDX-License-Identifier: Apache-2.0
"""What reports say of changes against the base that are no violations, and of what people have to know beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qaqpa.escape import visible
from qaqpa.model import Decision
from qaqpa.report.judged import Change, Note
from qaqpa.report.strings import template
from qaqpa.report.texts import Texts

_ABOUT_CONTEXT = frozenset({"context_lowered", "context_changed", "not_applicable_now"})


def is_weakening(change: Change) -> bool:
    """True for what became weaker though the decision itself has no violation that says so."""
    return bool(template(f"change.{change.code}", "en"))


def context_fields(change: Change) -> list[str]:
    """The fields of the context that a change is about; none where it is about something else."""
    return change.field.split(", ") if change.code in _ABOUT_CONTEXT else []


def weakening(change: Change, texts: Texts) -> str:
    """What became weaker, in one line without the control."""
    fields = texts.context_fields(context_fields(change)) or [change.field]
    return texts.say(f"change.{change.code}", field=fields, kind=texts.kind_named(change.field))


def changed(change: Change, texts: Texts, decision: Decision | None = None) -> str:
    """A violation that came or went, or what became weaker without one, in one line.

    Where the decision has it, it is said in its own sentence, with the code after it.
    """
    control = visible(change.control)
    named = f"{control} {texts.title(change.control)}" if control else ""
    if is_weakening(change):
        return f"{named}: {weakening(change, texts)}" if named else weakening(change, texts)
    said = " ".join(dict.fromkeys(_sentences(change, decision, texts))) if decision else ""
    if said:
        return f"{f'{named}: ' if named else ''}{said} [{visible(change.code)}]"
    return f"{named or texts.reason(change.code)}: {visible(change.code)} ({visible(change.field)})"


def _sentences(change: Change, decision: Decision, texts: Texts) -> Iterator[str]:
    """What the decision says of a change: a problem, a control that was not decided, or violations."""
    if not change.control:
        yield from (texts.problem(problem)[0] for problem in decision.problems if problem["code"] == change.code)
    for finding in decision.findings:
        if finding["control"] != change.control:
            continue
        if finding["status"] == change.code == "undecided":
            yield texts.say("finding.undecided")
        for violation in finding["violations"]:
            if (violation["code"], violation["field"]) == (change.code, change.field):
                yield texts.violation(change.control, violation)


def is_task(note: Note) -> bool:
    """True for a note that says what is to be signed before production, and by whom."""
    return note.code.startswith("todo.")


def noted(note: Note, texts: Texts) -> str:
    """A note in one line that stands alone."""
    said = note_line(note, texts)
    return f"{texts.say('compare.todo')}: {said}" if is_task(note) else said


def note_line(note: Note, texts: Texts) -> str:
    """A note in one line below the title of its like."""
    values = dict(note.values)
    if isinstance(kinds := values.get("kinds"), Sequence):
        values["kinds"] = [texts.kind_named(kind) for kind in kinds]
    if isinstance(roles := values.get("roles"), Sequence):
        values["roles"] = [texts.say(f"actor.{role}") for role in roles]
    return texts.say(note.code, **values)
