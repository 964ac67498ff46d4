# SPDX-License-Identifier: Apache-2.0
"""Statements: made, read back, and refused with a code."""

from __future__ import annotations

import hashlib
import json
import time
from datetime import timedelta
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.kinds import kind, kinds
from qaqpa.evidence.statement import context_digest, make_statement, parse_statement
from qaqpa.model import Stage
from support.contents import MODEL, contents, context, every_content, override, override_review, waiver, withdrawal
from support.statements import DIGEST, NOW, payload

ALL = {
    "system": context(),
    **every_content(NOW),
    "override": override(),
    "override_review": override_review("e" * 64),
    "waiver": waiver(),
    "withdrawal": withdrawal("e" * 64),
}
AUDIT = json.loads(payload(ALL["audit"]))


def refused(text: str) -> str:
    with pytest.raises(StatementError) as caught:
        parse_statement(text)
    assert caught.value.detail == str(caught.value)
    return caught.value.code


def changed(**fields: Any) -> str:
    """The audit statement; a name with `__` reaches into it, None takes the field out."""
    statement = json.loads(payload(ALL["audit"]))
    for name, value in fields.items():
        *path, last = name.split("__")
        inside = statement
        for step in path:
            inside = inside[int(step) if step.isdigit() else step]
        if value is None:
            del inside[last]
        else:
            inside[last] = value
    return json.dumps(statement)


def waived(stage: object) -> str:
    statement = json.loads(payload(waiver()))
    statement["predicate"]["stage"] = stage
    if stage is None:
        del statement["predicate"]["stage"]
    return json.dumps(statement)


def withdrawn(digest: str | None) -> str:
    statement = json.loads(payload(withdrawal("e" * 64)))
    statement["subject"][0]["digest"] = {"sha256": digest} if digest else {"dirHash": "e" * 64, "sha256": "e" * 64}
    return json.dumps(statement)


@pytest.mark.parametrize("name", sorted(ALL))
def test_what_is_made_is_read_again(name: str) -> None:
    made = payload(ALL[name], expires_at=NOW + timedelta(days=9))
    statement = parse_statement(made.decode())
    binds = kind(name).binds
    assert statement.content == ALL[name]
    assert (statement.kind.name, statement.registered_model) == (name, MODEL)
    assert statement.model_digest == (DIGEST if "model" in binds else None)
    assert statement.context_digest == (context_digest(context()) if "system" in binds else None)
    assert statement.stage == (Stage.PRODUCTION if "stage" in binds else None)
    assert statement.withdraws == ("e" * 64 if name == "withdrawal" else None)
    assert statement.reviews == ("e" * 64 if name == "override_review" else None)
    assert (statement.issued_at, statement.expires_at) == (NOW - timedelta(days=1), NOW + timedelta(days=9))
    assert statement.id == hashlib.sha256(made).hexdigest()
    assert made == rfc8785.dumps(json.loads(made))


def test_the_tests_have_content_of_every_kind() -> None:
    assert set(ALL) == set(kinds())


@pytest.mark.parametrize(
    ("name", "lacking", "code"),
    [
        ("audit", "model_digest", "model_missing"),
        ("audit", "context_digest", "context_missing"),
        ("waiver", "stage", "stage_missing"),
    ],
)
def test_none_is_made_without_what_its_kind_binds(name: str, lacking: str, code: str) -> None:
    with pytest.raises(StatementError) as caught:
        payload(ALL[name], **{lacking: None})
    assert caught.value.code == code
    about = {"registered_model": MODEL, "model_digest": None, "context_digest": None, "issued_at": NOW}
    assert make_statement(kind("system"), context(), **about), "the context needs nothing but itself"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "malformed"),
        ("kind: audit", "malformed"),
        ("[]", "malformed"),
        ("null", "malformed"),
        ("{}", "malformed"),
        ('{"_type": 1, "_type": 2}', "malformed"),
        ("[" * 90_000, "malformed"),
        (changed(_type="https://in-toto.io/Statement/v0.1"), "malformed"),
        (changed(extra=1), "malformed"),
        (changed(subject=None), "malformed"),
        (changed(predicate=[]), "malformed"),
        (changed(predicate__strength="independent"), "malformed"),
        (changed(predicate__content=[]), "malformed"),
        (changed(predicate__content=None), "malformed"),
        (changed(predicate__registeredModel=None), "malformed"),
        (changed(predicate__registeredModel=7), "malformed"),
        (changed(predicate__issuedAt=None), "malformed"),
        (changed(predicate__issuedAt="2026-01-31"), "malformed"),
        (changed(predicate__issuedAt=0), "malformed"),
        (changed(predicate__issuedAt="0001-01-01T00:00:00+23:59"), "malformed"),
        (changed(predicate__issuedAt="1969-12-31T23:59:59Z"), "malformed"),
        (changed(predicate__expiresAt="never"), "malformed"),
        (changed(predicate__contextDigest=None), "malformed"),
        (changed(predicate__contextDigest=5), "malformed"),
        (changed(predicateType=5), "malformed"),
        (changed(subject__0__digest=None), "malformed"),
        (changed(subject__0__digest={}), "malformed"),
        (changed(subject__0__digest={"sha256": DIGEST}), "malformed"),
        (changed(subject__0__digest={"dirHash": DIGEST, "sha256": 1}), "malformed"),
        (changed(subject__0__digest={"dirHash": DIGEST, "sha256": DIGEST, "sha1": DIGEST}), "malformed"),
        (changed(subject=[DIGEST]), "malformed"),
        (changed(predicateType="urn:qaqpa:evidence:absolution:v1"), "unknown_kind"),
        (changed(predicateType="urn:qaqpa:evidence:waiver:v1"), "schema_violated"),
        (changed(predicate__stage="production"), "malformed"),
        (waived(stage=None), "malformed"),
        (waived(stage="live"), "malformed"),
        (waived(stage=["production"]), "malformed"),
        (withdrawn("f" * 64), "digest_mismatch"),
        (withdrawn(None), "malformed"),
        (changed(predicateType="urn:qaqpa:evidence:audit:v2"), "unknown_kind"),
        (changed(predicateType="urn:qaqpa:evidence:audit:v1\n"), "unknown_kind"),
        (changed(predicateType="https://slsa.dev/provenance/v1"), "unknown_kind"),
        (changed(predicateType="urn:qaqpa:evidence:bias:v1"), "schema_violated"),
        (changed(predicate__content__kind="audit"), "schema_violated"),
        (changed(predicate__content__extra=1), "schema_violated"),
        (changed(predicate__content__conclusion="fine"), "schema_violated"),
        (changed(predicate__content__conclusion=None), "schema_violated"),
        (changed(predicate__content__valid_until="2026-02-30"), "schema_violated"),
        (changed(predicate__content__valid_until="0000-01-01"), "schema_violated"),
        (changed(predicate__content__valid_until="1969-12-31"), "schema_violated"),
        (changed(subject=[]), "two_subjects"),
        (changed(subject=AUDIT["subject"] * 2), "two_subjects"),
        (changed(subject=AUDIT["subject"][0]), "two_subjects"),
        (changed(subject__0__digest={"dirHash": DIGEST, "sha256": "cd" * 32}), "digest_mismatch"),
        (
            json.dumps(
                {
                    **json.loads(payload(context())),
                    "subject": [{"name": "x", "digest": {"sha256": context_digest(context(affects_rights=False))}}],
                }
            ),
            "digest_mismatch",
        ),
    ],
)
def test_a_statement_is_refused_with_a_code(text: str, code: str) -> None:
    assert refused(text) == code


@given(st.permutations(sorted(context())), st.permutations(range(3)))
def test_the_context_digest_does_not_depend_on_the_order_of_keys(names: list[str], models: list[int]) -> None:
    entries = [{"name": "a", "workspace": "w"}, {"workspace": "v", "name": "b"}, {"created": 1, "name": "c"}]
    whole = context(models=entries)
    turned = {name: whole[name] for name in names}
    turned["models"] = [dict(sorted(entry.items())) for entry in entries]
    assert context_digest(turned) == context_digest(whole)
    assert context_digest({n: v for n, v in whole.items() if n != "kind"}) == context_digest(whole)
    reordered = context(models=[entries[number] for number in models])
    assert (context_digest(reordered) == context_digest(whole)) == (list(models) == [0, 1, 2]), "a list has an order"


def test_the_context_digest_changes_with_every_field() -> None:
    whole = context(title="\u00e9")
    digests = {context_digest({n: v for n, v in whole.items() if n != name}) for name in whole if name != "kind"}
    digests |= {context_digest(whole), context_digest({**whole, "title": "e\u0301"})}
    assert len(digests) == len(whole) + 1


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([DIGEST, "dirHash"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
PATHS = [
    (),
    ("_type",),
    ("subject",),
    ("subject", 0),
    ("subject", 0, "digest"),
    ("subject", 0, "digest", "dirHash"),
    ("predicateType",),
    ("predicate",),
    ("predicate", "issuedAt"),
    ("predicate", "expiresAt"),
    ("predicate", "content"),
    ("predicate", "content", "findings"),
    ("predicate", "content", "issued_on"),
]


@given(st.sampled_from(PATHS), JUNK)
@example(("predicate", "content", "issued_on"), "0000-01-01")
@example(("predicate", "issuedAt"), "9999-12-31T23:59:59-23:59")
def test_no_json_is_read_or_refused_in_any_other_way(path: tuple, junk: Any) -> None:
    statement = json.loads(payload(ALL["audit"]))
    holder: Any = {"": statement}
    for step in ("", *path)[:-1]:
        holder = holder[step]
    holder[("", *path)[-1]] = junk
    text = json.dumps(statement if path else junk)
    try:
        parse_statement(text)
    except StatementError as error:
        assert error.code  # noqa: PT017 - a refusal is as good as a statement


@given(st.text() | st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")))
@example('"\ud800"')
def test_no_text_is_read_as_a_statement(text: str) -> None:
    assert refused(text) == "malformed"


def test_a_statement_as_long_as_a_tag_is_read_in_an_instant() -> None:
    groups = contents(NOW)["bias"]["groups"] * 30
    text = payload({**contents(NOW)["bias"], "groups": groups}).decode()
    assert len(text) > 90_000
    started = time.process_time()
    parse_statement(text)
    assert refused(text.replace('"_type"', '"_type":1,"_type"', 1)) == "malformed"
    assert time.process_time() - started < 0.2
