# SPDX-License-Identifier: Apache-2.0
"""Tags that somebody can set who may write tags, sign with own keys, and copy whatever others signed elsewhere.

Nobody here signs what the parties file lets them sign about this subject, but for what `SOUND` holds.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from qaqpa.evidence.carriers import TAG_PREFIX
from qaqpa.evidence.envelope import IN_TOTO, SignedPayload, parse_envelope, render, sign
from qaqpa.evidence.kinds import kind
from qaqpa.evidence.statement import context_digest
from qaqpa.evidence.verify import MAX_WAIVER
from qaqpa.model import Stage
from support.contents import contents, context, waiver, withdrawal
from support.keyring import signing_key
from support.statements import DIGEST, NOW, SIGNERS, carried, envelope, parties, payload, tags

PARTIES = parties()
DAY = timedelta(days=1)
CONTEXT = context(version=2)
ABOUT = {"context_digest": context_digest(CONTEXT)}
CONTENTS = {"system": CONTEXT, **contents(NOW)}
SOUND = {name: carried(content, **ABOUT) for name, content in CONTENTS.items()}
"""What passes every control, by kind."""

NEEDED = sorted({*CONTENTS} - {"commission"})
"""Without one of these it is denied. The commission only warns where the operator is private, as here."""

LAX = {
    "affects_rights": False,
    "significant_decision": False,
    "personal_data": False,
    "kz_risk": "minimal",
    "automation": "advisory",
    "jurisdictions": ["OTHER"],
}
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
    """Who may not sign a kind; `stranger` is in no parties file, and `peer` is of the trainer's unit."""
    roles = set(PARTIES.rules[name].roles)
    others = [person.id for person in PARTIES.persons.values() if not roles & set(person.roles)]
    return ["stranger", *others, *(["peer"] if "auditor" in roles else [])]


def _replays(name: str) -> Iterator[str]:
    """Statements of a kind that say the right thing and do not count."""
    content, binds, own = CONTENTS[name], kind(name).binds, SIGNERS[name]
    yield from (carried(content, [intruder], **ABOUT).text for intruder in intruders(name))
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
    for name, piece in [*SOUND.items(), *FAILING.items()]:
        content = withdrawal(parse_envelope(piece.text).id)
        signers = {key_id for key_id, _ in parse_envelope(piece.text).signatures}
        others = ["stranger", "risk", "auditor", "trainer", "owner"]
        for other in (other for other in others if signing_key(other).key_id not in signers):
            statement = payload(content)
            yield envelope(statement, [other])
            yield render(SignedPayload(IN_TOTO, statement, ((signing_key(SIGNERS[name][0]).key_id, b"x" * 64),)))


REPLAYS = {name: list(_replays(name)) for name in NEEDED}
LAX_CONTEXTS = [
    *[carried(context(version=99, **LAX), [person]).text for person in intruders("system")],
    carried(context(version=99, **LAX), []).text,
    carried(context(version=99, models=[{"name": "other"}], **LAX)).text,
]
OLD_CONTEXT = carried(context(version=1, **LAX)).text
"""It was right once. It never counts while the context that came after it is there."""

EXTRAS = [*LAX_CONTEXTS, *_waivers(), *_withdrawals()]
GARBAGE = [
    "",
    "true",
    "{}",
    "null",
    "[]",
    '"',
    "\x00",
    "\ud800",
    "[" * 5000,
    "9" * 6000,
    "NaN",
    "passed",
    "\u202e\x1b[2J",
]
OTHER_TAGS = ["audit_passed", "qaqpa.verdict", "qaqpa.evidence", "mlflow.user", "qaqpa.evidencex.audit.0"]
KEY_IDS = st.sampled_from(sorted({signing_key(person).key_id for person in [*PARTIES.persons, "stranger"]}))


def _edit_payload(draw: st.DrawFn, name: str, found: dict[str, Any]) -> None:
    """Says something else under the same signatures."""
    statement = json.loads(base64.b64decode(found["payload"]))
    predicate = statement["predicate"]
    said = json.loads(payload(CONTENTS[name], **ABOUT))
    what = draw(st.sampled_from(["subject", "predicate", "context", "dates", "content", "type"]))
    if what == "subject":
        statement["subject"] = draw(st.sampled_from([said["subject"], said["subject"] * 2, []]))
    elif what == "predicate":
        statement["predicate"] = said["predicate"]
    elif what == "context":
        predicate["contextDigest"] = draw(st.sampled_from([ABOUT["context_digest"], DIGEST, None]))
    elif what == "dates":
        predicate["issuedAt"] = said["predicate"]["issuedAt"]
        predicate.pop("expiresAt", None)
    elif what == "content":
        field = draw(st.sampled_from(sorted(predicate["content"])))
        predicate["content"][field] = draw(st.sampled_from([True, False, 0, "positive", [], None]))
    else:
        statement["predicateType"] = draw(st.sampled_from([said["predicateType"], "urn:qaqpa:evidence:nothing:v1"]))
    found["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()


def _sign_again(draw: st.DrawFn, name: str, found: dict[str, Any]) -> None:
    """An intruder signs, under their own key id or another, in place of what was there or beside it."""
    intruder = signing_key(draw(st.sampled_from(intruders(name))))
    signed = SignedPayload(str(found["payloadType"]), base64.b64decode(found["payload"]), ())
    key_id = draw(st.just(intruder.key_id) | st.just(signing_key(SIGNERS[name][0]).key_id) | KEY_IDS)
    own = {"keyid": key_id, "sig": base64.b64encode(intruder.sign(signed.signed_bytes)).decode()}
    found["signatures"] = [own, *(found["signatures"] if draw(st.booleans()) else [])]


def _borrow(draw: st.DrawFn, name: str, found: dict[str, Any]) -> None:
    """The signatures of another envelope."""
    del name
    other = draw(st.sampled_from(sorted(SOUND)))
    found["signatures"] = json.loads(SOUND[other].text)["signatures"]


def _rename(draw: st.DrawFn, name: str, found: dict[str, Any]) -> None:
    """Other key ids for the same signatures."""
    del name
    found["signatures"] = [{**own, "keyid": draw(KEY_IDS)} for own in found["signatures"]]


def _spoil_signatures(draw: st.DrawFn, name: str, found: dict[str, Any]) -> None:
    """Signatures removed, repeated, shortened, or with something beside them."""
    del name
    given = found["signatures"]
    spoiled = [
        [],
        given[1:],
        given * 2,
        [{**own, "sig": own["sig"][:-8]} for own in given],
        [{**own, "sig": base64.b64encode(bytes(64)).decode()} for own in given],
        [{**own, "cert": "x"} for own in given],
        [{**own, "keyid": own["keyid"].lower()} for own in given],
    ]
    found["signatures"] = draw(st.sampled_from(spoiled))


def _spoil_envelope(draw: st.DrawFn, name: str, found: dict[str, Any]) -> None:
    del name
    fields = {"payloadType": "application/json", "strength": "independent", "verified": True}
    field = draw(st.sampled_from(sorted(fields)))
    found[field] = fields[field]


_CHANGES: list[Callable[[st.DrawFn, str, dict[str, Any]], None]] = [
    _edit_payload,
    _sign_again,
    _borrow,
    _rename,
    _spoil_signatures,
    _spoil_envelope,
]


@st.composite
def spoiled(draw: st.DrawFn, name: str) -> str:
    """An envelope of a kind, changed once or more; at last perhaps without its envelope, or with its text cut."""
    envelopes = [SOUND[name].text, *(text for text in REPLAYS[name] if '"signatures"' in text)]
    found = json.loads(draw(st.just(envelopes[0]) | st.sampled_from(envelopes)))
    for change in draw(st.lists(st.sampled_from(_CHANGES), min_size=1, max_size=4)):
        change(draw, name, found)
    text = json.dumps(found)
    cut = draw(st.integers(0, len(text)))
    bare = base64.b64decode(found["payload"]).decode()
    return draw(st.sampled_from([text, text, text, text, text[:cut], text[:cut] + "x" + text[cut:], bare]))


@st.composite
def additions(draw: st.DrawFn, missing: str) -> dict[str, str]:
    """Tags of all sorts. None of them holds the sound statement of the kind that is missing."""
    name = missing or draw(st.sampled_from(NEEDED))
    extras = EXTRAS if missing == "system" else [*EXTRAS, OLD_CONTEXT]
    texts = (
        spoiled(name)
        | st.sampled_from(REPLAYS[name])
        | st.sampled_from(extras)
        | st.sampled_from(NEEDED).flatmap(spoiled)
        | st.sampled_from([*GARBAGE, *(piece.text for piece in SOUND.values())])
        | st.text(max_size=30)
    )
    found: dict[str, str] = {}
    for text in draw(st.lists(texts, max_size=8)):
        if not (missing and holds(text, missing)):
            found[draw(_keys(name, len(found)))] = text
    crowd = draw(st.sampled_from([0] * 18 + [470, 520]))
    return {**{f"{TAG_PREFIX}audit.{number}": f"{number}" for number in range(crowd)}, **found}


def _keys(name: str, number: int) -> st.SearchStrategy[str]:
    return st.just(f"{TAG_PREFIX}{number}") | st.sampled_from(
        [f"{TAG_PREFIX}{name}.{number}x", f"{TAG_PREFIX}waiver.{number}x", *OTHER_TAGS]
    )
