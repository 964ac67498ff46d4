# SPDX-License-Identifier: Apache-2.0
"""Tags that somebody can set who may write tags, sign with own keys, and copy whatever others signed elsewhere.

Nobody here signs what the parties file lets them sign about this subject, but for what `SOUND` holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from attacks.catalogue import LAX
from qaqpa.evidence.envelope import IN_TOTO, SignedPayload, parse_envelope, render, sign
from qaqpa.evidence.kinds import kind
from qaqpa.evidence.statement import context_digest
from qaqpa.evidence.verify import MAX_WAIVER
from qaqpa.model import Stage
from support.contents import contents, context, waiver, withdrawal
from support.keyring import signing_key
from support.statements import NOW, SIGNERS, carried, envelope, parties, payload, tags

PARTIES = parties()
DAY = timedelta(days=1)
CONTEXT = context(version=2)
ABOUT = {"context_digest": context_digest(CONTEXT)}
CONTENTS = {"system": CONTEXT, **contents(NOW)}
SOUND = {name: carried(content, **ABOUT) for name, content in CONTENTS.items()}
"""What passes every control, by kind."""

NEEDED = sorted({*CONTENTS} - {"commission"})
"""Without one of these it is denied. The commission only warns where the operator is private, as here."""

WAIVABLE = ["AUD-01", "AUD-02", "AUD-03", "ACC-01", "DOC-01", "HOV-01", "HOV-02", "NDQ-02", "TRN-01", "TRN-02"]
FAILING = {
    "audit": carried({**CONTENTS["audit"], "conclusion": "negative"}, ["auditor2"], **ABOUT),
    "explanation": carried({**CONTENTS["explanation"], "data_used_disclosed": False}, **ABOUT),
}
"""What fails a control though everything sound is there, signed by who may."""


@dataclass(frozen=True)
class Start:
    """Tags on which the gate says `deny`; `missing` is the kind that would mend it, empty where none would."""

    missing: str
    tags: dict[str, str] = field(repr=False)


STARTS = [
    *[Start(name, tags(piece for other, piece in SOUND.items() if other != name)) for name in NEEDED],
    *[Start("", tags([*SOUND.values(), piece])) for piece in FAILING.values()],
]


def holds(text: str, name: str) -> bool:
    """True where a text may hold the sound statement of a kind, with its signature. Anything else never does."""
    envelope = json.loads(SOUND[name].text)
    return envelope["payload"] in text and envelope["signatures"][0]["sig"] in text


def intruders(name: str) -> list[str]:
    """Who may not sign a kind: `stranger` is in no parties file, `peer` is an auditor of the trainer's unit."""
    roles = set(PARTIES.rules[name].roles)
    others = ["trainer", "owner", "deployer", "dpo", "member-arts"]
    wrong = [other for other in others if not roles & set(PARTIES.persons[other].roles)]
    return ["stranger", "peer", *wrong]


def _replays(name: str) -> Iterator[str]:
    """Statements of a kind that say the right thing and do not count."""
    content, binds, own = CONTENTS[name], kind(name).binds, SIGNERS[name]
    yield from (carried(content, [intruder], **ABOUT).text for intruder in intruders(name))
    yield from (carried(content, intruders(name)[:count], **ABOUT).text for count in (2, 3, 4))
    yield carried(content, [], **ABOUT).text
    yield carried(content, **ABOUT, issued_at=NOW + DAY).text
    yield carried(content, **ABOUT, issued_at=NOW - 9 * DAY, expires_at=NOW).text
    yield carried(content, **ABOUT, issued_at=NOW - 200 * DAY).text
    yield envelope(payload(content, **ABOUT), own, "application/json")
    yield sign(payload(content, **ABOUT), IN_TOTO, [signing_key(person, 1) for person in own])
    if "model" in binds:
        yield carried(content, **ABOUT, model_digest="cd" * 32).text
    if "system" in binds and name != "system":
        yield carried(content).text
    if name == "system":
        yield carried({**content, "version": 9, "models": [{"name": "other"}]}).text


def _waivers() -> Iterator[str]:
    sound: dict[str, Any] = {**ABOUT, "stage": Stage.PRODUCTION, "expires_at": NOW + 20 * DAY}
    content = waiver(controls=WAIVABLE)
    yield from (carried(content, [intruder], **sound).text for intruder in intruders("waiver"))
    yield carried(content, [], **sound).text
    yield carried(content, **{**sound, "model_digest": "cd" * 32}).text
    yield carried(content, **{**sound, "context_digest": "cd" * 32}).text
    yield carried(content, **{**sound, "stage": Stage.STAGING}).text
    yield carried(content, **{**sound, "expires_at": None}).text
    yield carried(content, **{**sound, "expires_at": NOW + MAX_WAIVER}).text
    yield carried({**content, "requested_by": "risk"}, **sound).text
    yield carried(waiver(controls=["DPB-01"]), **sound).text
    yield envelope(payload(waiver(), **sound).replace(b'"TRN-01"', b'"*"'), ["risk"])


def _withdrawals() -> Iterator[str]:
    """Withdrawals of what fails, by everybody but who signed it, and one under a borrowed key id."""
    for piece in FAILING.values():
        statement = payload(withdrawal(parse_envelope(piece.text).id))
        signers = {key_id for key_id, _ in parse_envelope(piece.text).signatures}
        others = [
            other for other in ("stranger", "risk", "auditor", "owner") if signing_key(other).key_id not in signers
        ]
        yield from (envelope(statement, [other]) for other in others)
        yield render(SignedPayload(IN_TOTO, statement, tuple((key_id, bytes(64)) for key_id in signers)))


REPLAYS = {name: list(_replays(name)) for name in NEEDED}
LAX_CONTEXTS = [
    *[carried(context(version=99, **LAX), [person]).text for person in intruders("system")],
    carried(context(version=99, **LAX), []).text,
    carried(context(version=99, models=[{"name": "other"}], **LAX)).text,
]
WAIVERS = list(_waivers())
WITHDRAWALS = list(_withdrawals())
OLD_CONTEXT = context(version=1, **LAX)
_OLD_CONTENTS = {
    **{name: content for name, content in contents(NOW).items() if "system" in kind(name).binds},
    "classification": {**CONTENTS["classification"], "kz_risk": LAX["kz_risk"]},
    "system": OLD_CONTEXT,
}
OLD = tags(carried(content, context_digest=context_digest(OLD_CONTEXT)) for content in _OLD_CONTENTS.values())
"""A context that asks hardly anything, with the evidence about it. It was right once, and never counts again while the
context that came after it is there."""
