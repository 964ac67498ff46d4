# SPDX-License-Identifier: Apache-2.0
"""Parties files: what is read from them, and what is refused, at which place."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from qaqpa.documents import Document, DocumentError, parse_yaml
from qaqpa.evidence.keys import fingerprint
from qaqpa.evidence.parties import Parties, Person, Service, parse_parties
from support.keyring import (
    ROOTS,
    key_entry,
    organisation,
    parties_text,
    person,
    public_line,
    signing_key,
    to_yaml,
)

NOW = datetime(2026, 11, 23, tzinfo=timezone.utc)
DAY = timedelta(days=1)


def parsed(value: Any) -> Parties:
    return parse_parties(parse_yaml(to_yaml(value), "parties.yaml"))


def refused(change: Callable[[dict[str, Any]], object]) -> str:
    value = organisation(NOW)
    change(value)
    with pytest.raises(DocumentError) as caught:
        parsed(value)
    return str(caught.value)


def place(value: Any, needle: str, number: int = 0) -> str:
    """`line:column` of the nth place at which a text stands in the file."""
    text = to_yaml(value)
    start = [found.start() for found in re.finditer(re.escape(needle), text)][number]
    return f"parties.yaml:{text.count(chr(10), 0, start) + 1}:{start - text.rfind(chr(10), 0, start)}"


def test_everything_that_the_file_says_is_in_the_records() -> None:
    value = organisation(NOW, version=7)
    revoked = {"at": "2026-11-01T10:00:00+05:00", "reason": "superseded"}
    person(value, "auditor")["keys"].append(key_entry(NOW, "auditor", 1, revoked=revoked))
    value["rules"]["audit"].update(disciplines=["fairness"], threshold=1)
    found = parsed(value)
    assert (found.version, found.expires) == (7, NOW + 60 * DAY)
    assert [fingerprint(root) for root in found.root_keys] == [signing_key(root).key_id for root in ROOTS]
    auditor = found.persons["auditor"]
    assert (auditor.unit, auditor.roles, auditor.disciplines) == ("audit", ("auditor",), ("fairness", "security"))
    assert auditor.logins == ("auditor",)
    first, second = auditor.keys
    assert (first.id, first.revoked_at, first.reason) == (signing_key("auditor").key_id, None, "")
    assert (first.valid_from, first.valid_until) == (NOW - 365 * DAY, NOW + 365 * DAY)
    assert (second.id, second.reason) == (signing_key("auditor", 1).key_id, "superseded")
    assert second.revoked_at == datetime(2026, 11, 1, 5, tzinfo=timezone.utc)
    rule = found.rules["audit"]
    assert (rule.roles, rule.disciplines, rule.max_age_days, rule.threshold) == (("auditor",), ("fairness",), 180, 1)
    assert (rule.independent_of, rule.other_unit) == (("trainer", "owner", "deployer"), True)
    assert (found.rules["bias"].threshold, found.rules["bias"].other_unit) == (1, False)


def test_keys_and_logins_lead_to_whoever_has_them() -> None:
    found = parsed(organisation(NOW))
    owner = found.key_owner(signing_key("auditor").key_id)
    assert owner
    assert (owner[0].id, owner[1].id) == ("auditor", signing_key("auditor").key_id)
    assert found.key_owner(signing_key("auditor", 1).key_id) is None
    assert found.key_owner(signing_key("root1").key_id) is None
    assert isinstance(found.named_by("auditor"), Person)
    service = found.named_by("ci")
    assert isinstance(service, Service)
    assert service.operators == ("deployer",)
    assert found.named_by("CI") is None
    assert found.named_by("nobody") is None


def test_an_identity_of_another_issuer_is_no_login_of_the_server() -> None:
    value = organisation(NOW)
    identity = {"type": "oidc", "issuer": "https://id.example.org", "subject": "root"}
    person(value, "auditor")["identities"].append(identity)
    assert parsed(value).named_by("root") is None


def test_one_key_for_two_persons_is_refused_even_under_another_comment() -> None:
    line = public_line("auditor").replace(" auditor", " somebody@else")
    found = refused(lambda value: person(value, "peer")["keys"].append(key_entry(NOW, "peer", ssh=line)))
    assert f"the key {signing_key('auditor').key_id} stands twice; first it is a key of peer" in found


def test_a_key_that_one_person_has_twice_is_refused() -> None:
    found = refused(lambda value: person(value, "peer")["keys"].append(key_entry(NOW, "peer")))
    assert "stands twice; first it is a key of peer" in found


def test_a_root_key_as_a_persons_key_is_refused_with_its_place() -> None:
    def change(value: dict[str, Any]) -> None:
        person(value, "trainer")["keys"][0]["ssh"] = public_line("root2")

    value = organisation(NOW)
    change(value)
    found = refused(change)
    assert f"the key {signing_key('root2').key_id} stands twice; first it is a root key" in found
    assert place(value, public_line("root2"), 1) in found


def test_a_root_key_twice_is_refused() -> None:
    assert "first it is a root key" in refused(lambda value: value["root_keys"].append(public_line("root1", 0)))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda v: v["parties"].append({"id": "peer", "unit": "x"}), "the id peer stands twice; first at parties.2.id"),
        (lambda v: v["services"][0].update(id="peer"), "the id peer stands twice"),
        (lambda v: v["services"][0]["identities"][0].update(name="peer"), "this identity stands twice"),
        (lambda v: v["services"][0]["identities"][0].update(name="PEER"), "this identity stands twice"),
        (lambda v: v["services"][0]["operators"].append("nobody"), "there is no person nobody"),
        (lambda v: v["services"][0]["operators"].append("ci"), "there is no person ci"),
        (lambda v: v["services"][0].update(operators=[]), "operators"),
        (lambda v: v["root_keys"].append("ssh-rsa AAAA"), "this public key cannot be read"),
        (lambda v: person(v, "peer")["keys"][0].update(ssh="x"), "this public key cannot be read"),
        (lambda v: person(v, "peer")["keys"][0].update(valid_until="2020-01-01T00:00:00Z"), "ends before it is valid"),
        (lambda v: person(v, "peer")["keys"][0].update(valid_from="2027-11-23T00:00:00Z"), "ends before it is valid"),
        (lambda v: person(v, "peer")["keys"][0].update(valid_until="2027-01-01"), "date-time"),
        (lambda v: person(v, "peer")["keys"][0].update(valid_until="2027-01-01T00:00:00"), "date-time"),
        (lambda v: person(v, "peer")["keys"][0].update(revoked={"at": "2026-01-01T00:00:00Z"}), "reason"),
        (lambda v: person(v, "peer").update(id="login:peer"), "login:peer"),
        (lambda v: person(v, "peer").update(id="Peer"), "Peer"),
        (lambda v: person(v, "peer").update(unit="lab\n"), "unit"),
        (lambda v: person(v, "peer").update(unit="Lab"), "unit"),
        (lambda v: person(v, "peer").update(roles=["admin"]), "is not one of auditor"),
        (lambda v: person(v, "peer").update(email="a@example.org"), "email"),
        (lambda v: person(v, "peer")["identities"].append({"type": "ldap", "name": "x"}), "ldap"),
        (lambda v: person(v, "peer")["identities"].append({"type": "mlflow", "subject": "x"}), "name"),
        (lambda v: v.update(version=0), "version"),
        (lambda v: v.update(version=True), "version"),
        (lambda v: v.update(expires="soon"), "expires"),
        (lambda v: v.update(root_keys=[]), "root_keys"),
        (lambda v: v["rules"].update(gossip={"roles": ["dpo"], "max_age_days": 1}), "no kind of evidence 'gossip'"),
        (lambda v: v["rules"].update(withdrawal={"roles": ["dpo"], "max_age_days": 1}), "needs no rule"),
        (lambda v: v["rules"]["audit"].update(threshold=4), "4 must sign and 3 could"),
        (lambda v: v["rules"]["audit"].update(disciplines=["security"], threshold=2), "2 must sign and 1 could"),
        (lambda v: v["rules"]["audit"].update(roles=["compliance_officer"]), "1 must sign and 0 could"),
        (lambda v: v["rules"]["audit"].update(roles=[]), "roles"),
        (lambda v: v["rules"]["audit"].update(independent_of=["nobody"]), "nobody"),
        (lambda v: v["rules"]["audit"].pop("max_age_days"), "max_age_days"),
    ],
)
def test_what_is_wrong_is_refused(change: Callable[[dict[str, Any]], object], found: str) -> None:
    said = refused(change)
    assert found in said
    assert re.match(r"parties\.yaml:\d+:\d+: ", said)


def test_a_person_listed_twice_does_not_make_two_signers() -> None:
    def change(value: dict[str, Any]) -> None:
        value["parties"].append({"id": "dpo", "unit": "legal", "roles": ["dpo"]})
        value["rules"]["legal_basis"]["threshold"] = 2

    assert "2 must sign and 1 could" in refused(change)


def test_a_broken_rule_is_shown_at_its_name() -> None:
    value = organisation(NOW)
    value["rules"]["audit"]["threshold"] = 4
    assert place(value, "audit:") in refused(lambda v: v["rules"]["audit"].update(threshold=4))


def test_everything_that_is_wrong_is_said_at_once_and_not_without_end() -> None:
    def change(value: dict[str, Any]) -> None:
        value["parties"] += [{"id": "peer", "unit": "x"}] * 20

    lines = refused(change).split("\n")
    assert len(lines) == 11
    assert lines[-1] == "and 10 more."


def test_hostile_names_begin_no_line_of_their_own() -> None:
    name = "x\nparties.yaml:1:1: all is well"
    found = refused(lambda value: value["rules"].update({name: {"roles": ["dpo"], "max_age_days": 1}}))
    assert len(found.split("\n")) == 1


def test_the_organisation_of_the_tests_is_made_anew_each_time() -> None:
    value = organisation(NOW)
    value["rules"]["audit"]["independent_of"].clear()
    person(value, "peer")["roles"].clear()
    assert parsed(organisation(NOW)).rules["audit"].independent_of == ("trainer", "owner", "deployer")
    assert parsed(organisation(NOW)).persons["peer"].roles == ("auditor",)


def test_duplicate_yaml_keys_are_refused() -> None:
    text = parties_text(NOW).replace("version: 1\n", "version: 1\nversion: 2\n", 1)
    with pytest.raises(DocumentError, match=r"parties\.yaml:2:1: The key 'version' stands twice"):
        parse_parties(parse_yaml(text, "parties.yaml"))


def test_a_yaml_bomb_is_refused_at_its_first_anchor() -> None:
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
    with pytest.raises(DocumentError, match="Anchors and aliases are not allowed"):
        parse_parties(parse_yaml(f"{parties_text(NOW)}{bomb}", "parties.yaml"))


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(DocumentError, match="levels deep"):
        parse_parties(parse_yaml(f"{parties_text(NOW)}deep: {'[' * 5000}{']' * 5000}\n", "parties.yaml"))


WORDS = st.sampled_from(
    ["version", "expires", "root_keys", "parties", "services", "rules", "id", "unit", "keys", "ssh", "audit", "peer"]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | WORDS
    | st.sampled_from([public_line("peer"), "2026-01-01T00:00:00Z", "2026-01-01"])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=6)
)
FIELDS = ["version", "expires", "root_keys", "parties", "services", "rules"]


@given(VALUES)
def test_any_value_is_read_or_refused(value: Any) -> None:
    read_or_refused(yaml.safe_dump(value, allow_unicode=True))


@given(st.sampled_from(FIELDS), VALUES)
def test_any_value_of_a_field_is_read_or_refused(name: str, value: Any) -> None:
    read_or_refused(to_yaml(organisation(NOW, **{name: value})))


@given(st.data())
def test_any_value_anywhere_is_read_or_refused(data: st.DataObject) -> None:
    value = organisation(NOW)
    place: Any = value
    while True:
        name = data.draw(st.sampled_from(range(len(place)) if isinstance(place, list) else sorted(place)))
        if not place[name] or not isinstance(place[name], (dict, list)) or data.draw(st.booleans()):
            break
        place = place[name]
    place[name] = data.draw(VALUES)
    read_or_refused(to_yaml(value))


@given(VALUES)
def test_a_document_that_no_reader_made_is_read_or_refused(value: Any) -> None:
    """Values that a strict reader would have stopped do no harm either, as long as JSON can hold them."""
    read_or_refused(json.dumps(value))


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_any_text_is_read_or_refused(text: str) -> None:
    read_or_refused(text)


def read_or_refused(text: str) -> None:
    try:
        found = parse_parties(parse_yaml(text, "parties.yaml"))
    except DocumentError:
        return
    assert found.persons


@pytest.mark.parametrize("value", [None, [], "x", 1, {"version": 1}])
def test_a_document_without_places_is_refused_too(value: Any) -> None:
    with pytest.raises(DocumentError):
        parse_parties(Document(value, "parties.yaml"))
