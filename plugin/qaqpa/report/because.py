# SPDX-License-Identifier: Apache-2.0
"""Why a finding is one: for each profile that asks, the provision it rests on, how firmly, and how well it was read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qaqpa.escape import visible
from qaqpa.model import Decision, JsonObject
from qaqpa.policy.severity import STRENGTHS, Circumstances, Severity
from qaqpa.report.forms import day
from qaqpa.report.texts import Texts

_WHOLE = "evidence_missing"  # what is reported where nothing at all is there

_Provision = tuple[str, str]
"""The id of an act, and of a provision in it."""


@dataclass(frozen=True)
class _Reason:
    """What violations rest on in one profile, and what follows; `day` is when a warning becomes a denial.

    `raised` says that they deny only because the configuration wants it; `day` is then when they would without it.
    `whole` is what the control as a whole rests on, where these violations rest on our own default.
    """

    profile: str
    basis: str
    severity: str
    raised: bool
    day: str
    provisions: tuple[_Provision, ...]
    whole: tuple[_Provision, ...] = ()


@dataclass(frozen=True)
class Told:
    """One reason in words: the profile, what its demand rests on, and of which violations where it is not all of them.

    `denies` is true where the profile denies for that. `read` says whether the provision was read at its source; it is
    None where the demand rests on none.
    """

    profile: str
    text: str
    about: str
    denies: bool
    read: bool | None

    @property
    def line(self) -> str:
        """All of it, in one line."""
        return f"{self.profile}: {self.text}{self.about}"


def reasons(finding: JsonObject, decision: Decision, texts: Texts) -> list[Told]:
    """The reasons of a finding, those that deny first.

    A reason names the most telling provision with its strength, whether its text was read at its source, and what
    follows where that is no denial.
    """
    grouped: dict[_Reason, list[str]] = {}
    for reason, code in _reasons(finding, decision, texts):
        grouped.setdefault(reason, []).append(code)
    every = {violation["code"] for violation in finding["violations"]}
    order = sorted(grouped, key=lambda reason: (reason.severity != "deny", reason.profile))
    return [
        Told(
            visible(reason.profile),
            _text(reason, texts),
            "" if set(grouped[reason]) == every else f" [{', '.join(map(visible, dict.fromkeys(grouped[reason])))}]",
            reason.severity == "deny",
            _read(reason, texts),
        )
        for reason in order
    ]


def unverified(control: str, violation: JsonObject, decision: Decision, texts: Texts) -> bool:
    """True where a violation denies, and nothing that it rests on was read at its source."""
    severity = _severity(decision, texts)
    provisions = [
        provision
        for entry in violation["asked_by"]
        if entry["severity"] == "deny"
        for provision in _strongest(severity.covering(control, violation["code"], entry["profile"]))
    ]
    return bool(provisions) and not any(texts.provision(*provision).get("verified") for provision in provisions)


def _reasons(finding: JsonObject, decision: Decision, texts: Texts) -> Iterator[tuple[_Reason, str]]:
    severity = _severity(decision, texts)
    for violation in finding["violations"]:
        for entry in violation["asked_by"]:
            codes = (violation["code"], _WHOLE)
            provisions, whole = (
                _strongest(severity.covering(finding["control"], code, entry["profile"])) for code in codes
            )
            plain = _unraised(finding["control"], violation, entry["profile"], decision, texts)
            raised = (entry["severity"], plain["severity"]) == ("deny", "warn")
            first = plain["from"][0]["text"] if plain["from"] else ""
            rests = (provisions, () if provisions else whole)
            yield _Reason(entry["profile"], entry["basis"], entry["severity"], raised, first, *rests), violation["code"]


def _severity(decision: Decision, texts: Texts, *, raised: bool = True) -> Severity:
    document = decision.document
    wanted = document["settings"]["raised"] if raised else ()
    return Severity(texts.catalog, Circumstances(document["now"]["seconds"], decision.context, wanted))


def _unraised(control: str, violation: JsonObject, profile: str, decision: Decision, texts: Texts) -> JsonObject:
    """How a profile would ask for a violation if the configuration raised nothing."""
    demands = texts.catalog.asked([profile]).get(control, {})
    entries = _severity(decision, texts, raised=False).asked_by(control, violation, demands)
    return entries[0] if entries else {"severity": "deny", "from": []}


def _strongest(links: Sequence[JsonObject]) -> tuple[_Provision, ...]:
    strongest = min((STRENGTHS.index(link["strength"]) for link in links), default=0)
    named = ((link["act"], link["provision"]) for link in links if STRENGTHS.index(link["strength"]) == strongest)
    return tuple(dict.fromkeys(named))


def _read(reason: _Reason, texts: Texts) -> bool | None:
    rests = reason.provisions or reason.whole
    return bool(texts.provision(*rests[0]).get("verified")) if rests else None


def _text(reason: _Reason, texts: Texts) -> str:
    if reason.provisions:
        said = texts.provision_named(*reason.provisions[0])
        if len(reason.provisions) > 1:
            said = texts.say("because.more", provision=said, count=len(reason.provisions) - 1)
        notes = [texts.say(f"strength.{reason.basis}"), *texts.reservations(*reason.provisions[0])]
    elif reason.whole:
        said = texts.say("because.default_for", provision=texts.provision_named(*reason.whole[0]))
        notes = list(texts.reservations(*reason.whole[0]))
    else:
        said, notes = texts.say("because.default"), []
    if reason.day:
        follows = "because.raised_until" if reason.raised else "because.warns_until"
        notes.append(texts.say(follows, day=day(reason.day, texts.language)))
    elif reason.raised or reason.severity == "warn":
        notes.append(texts.say("because.raised" if reason.raised else "because.warns"))
    noted = f" ({'; '.join(notes)})" if notes else ""
    return f"{said}{noted}"
