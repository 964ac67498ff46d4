# SPDX-License-Identifier: Apache-2.0
"""Strategies for tags: forgeries as they are, envelopes that somebody changed, and garbage."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from attacks.forgeries import (
    ABOUT,
    CONTENTS,
    LAX_CONTEXTS,
    NEEDED,
    OLD,
    PARTIES,
    REPLAYS,
    SOUND,
    WAIVERS,
    WITHDRAWALS,
    holds,
    intruders,
)
from qaqpa.evidence.carriers import TAG_PREFIX
from qaqpa.evidence.envelope import SignedPayload
from support.keyring import signing_key
from support.statements import DIGEST, SIGNERS, payload

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
    for change in draw(st.lists(st.sampled_from(_CHANGES), min_size=1, max_size=3)):
        change(draw, name, found)
    text = json.dumps(found)
    cut = draw(st.integers(0, len(text)))
    bare = base64.b64decode(found["payload"]).decode()
    return draw(st.sampled_from([text, text, text, text, text[:cut], text[:cut] + "x" + text[cut:], bare]))


@st.composite
def additions(draw: st.DrawFn, missing: str) -> dict[str, str]:
    """Tags of all sorts. None of them holds the sound statement of the kind that is missing."""
    name = missing or draw(st.sampled_from(NEEDED))
    texts = st.one_of(
        spoiled(name),
        st.sampled_from(REPLAYS[name]),
        st.sampled_from(LAX_CONTEXTS),
        st.sampled_from(WAIVERS),
        st.sampled_from(WITHDRAWALS),
        st.sampled_from(NEEDED).flatmap(spoiled),
        st.sampled_from([*GARBAGE, *(piece.text for piece in SOUND.values())]),
        st.text(max_size=30),
    )
    found: dict[str, str] = {}
    for text in draw(st.lists(texts, max_size=8)):
        if not (missing and holds(text, missing)):
            found[draw(_keys(name, len(found)))] = text
    crowd = draw(st.sampled_from([0] * 18 + [470, 520]))
    old = OLD if missing != "system" and draw(st.integers(0, 3)) == 0 else {}
    return {**{f"{TAG_PREFIX}audit.{number}": f"{number}" for number in range(crowd)}, **old, **found}


def _keys(name: str, number: int) -> st.SearchStrategy[str]:
    """A tag that says no kind, most of the time: what it holds is then read whatever kind it is of."""
    named = [f"{TAG_PREFIX}{name}.{number}x", f"{TAG_PREFIX}waiver.{number}x", *OTHER_TAGS]
    return st.sampled_from([f"{TAG_PREFIX}{number}x"] * 20 + named)
