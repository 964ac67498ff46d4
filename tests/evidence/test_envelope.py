# SPDX-License-Identifier: Apache-2.0
"""Envelopes: read strictly, verified one key at a time, and understood by securesystemslib itself."""

from __future__ import annotations

import base64
import copy
import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

from qaqpa.evidence.envelope import (
    IN_TOTO,
    MAX_SIGNATURES,
    SignedPayload,
    is_envelope,
    merged,
    parse_envelope,
    render,
    sign,
    signed_by,
)
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.keys import KINDS, FileKey, fingerprint, new_key

PAYLOAD = b'{"a": 1}'
ED, EC, OTHER = FileKey(new_key("ed25519")), FileKey(new_key("p256")), FileKey(new_key("p256"))
TEXT = sign(PAYLOAD, IN_TOTO, [ED, EC])
SIGNED = parse_envelope(TEXT)
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def changed(**fields: Any) -> str:
    """The envelope with other fields."""
    return json.dumps({**json.loads(TEXT), **fields})


def with_signature(**fields: Any) -> str:
    """The envelope with one signature, of which fields are others."""
    return changed(signatures=[{**json.loads(TEXT)["signatures"][0], **fields}])


def detail(text: str) -> str:
    with pytest.raises(StatementError) as caught:
        parse_envelope(text)
    assert caught.value.code == "malformed"
    return caught.value.detail


def test_what_was_signed_is_read_and_verified() -> None:
    assert (SIGNED.payload, SIGNED.payload_type) == (PAYLOAD, IN_TOTO)
    assert [key_id for key_id, _ in SIGNED.signatures] == [ED.key_id, EC.key_id]
    assert signed_by(SIGNED, ED.public_key)
    assert signed_by(SIGNED, EC.public_key)
    assert not signed_by(SIGNED, OTHER.public_key)
    assert parse_envelope(render(SIGNED)) == SIGNED
    assert render(SIGNED) == TEXT


@pytest.mark.parametrize("key", [ED, EC], ids=KINDS)
def test_another_payload_or_type_is_not_signed(key: FileKey) -> None:
    assert not signed_by(replace(SIGNED, payload=PAYLOAD + b" "), key.public_key)
    assert not signed_by(replace(SIGNED, payload_type="text/plain"), key.public_key)


def test_a_forged_key_id_is_nobody_s_signature() -> None:
    forged = replace(SIGNED, signatures=((OTHER.key_id, SIGNED.signatures[1][1]),))
    assert not signed_by(forged, OTHER.public_key), "another key signed it"
    assert not signed_by(forged, EC.public_key), "its own id is not there"


def test_junk_under_a_key_id_does_not_hide_the_good_signature() -> None:
    good = SIGNED.signatures[1]
    junk = (EC.key_id, b"junk")
    assert signed_by(replace(SIGNED, signatures=(junk, good)), EC.public_key)
    assert signed_by(replace(SIGNED, signatures=(good, junk)), EC.public_key)
    assert not signed_by(replace(SIGNED, signatures=(junk, junk)), EC.public_key)


def test_a_signature_that_was_encoded_again_leaves_the_identity_as_it_was() -> None:
    r, s = decode_dss_signature(SIGNED.signatures[1][1])
    again = replace(SIGNED, signatures=((EC.key_id, encode_dss_signature(r, P256_ORDER - s)),))
    assert again.signatures[0] != SIGNED.signatures[1]
    assert signed_by(again, EC.public_key), "ECDSA has two forms of each signature"
    assert again.id == SIGNED.id
    assert parse_envelope(render(again)).id == SIGNED.id


def test_the_last_signature_of_many_is_found_and_more_are_refused() -> None:
    entry = {"keyid": "", "sig": "AAAA"}
    fillers = [{**entry, "keyid": f"SHA256:{number}"} for number in range(MAX_SIGNATURES - 1)]
    own = json.loads(sign(PAYLOAD, IN_TOTO, [ED]))["signatures"]
    assert signed_by(parse_envelope(changed(signatures=[*fillers, *own])), ED.public_key)
    assert "1 to 32" in detail(changed(signatures=[*fillers, {**entry, "keyid": "x"}, *own]))
    assert "1 to 32" in detail(changed(signatures=[]))


@pytest.mark.parametrize(
    "text",
    [
        "AA AA",
        "AAAA\n",
        " AAAA",
        "AA",
        "AAA",
        "A",
        "_-8=",
        "AAAA====",
        "AB==",
        "AA==AA==",
        "",
        "\u0430AAA",
        None,
        1,
        ["AAAA"],
    ],
)
def test_base64_has_one_form(text: Any) -> None:
    assert detail(changed(payload=text)) == "The payload is not base64."
    assert detail(with_signature(sig=text)) == "The signature is not base64."


def test_url_safe_base64_is_refused_where_it_differs() -> None:
    payload = b"\xfb\xff\xfe"
    text = sign(payload, IN_TOTO, [ED])
    plain, safe = (encode(payload).decode() for encode in (base64.b64encode, base64.urlsafe_b64encode))
    assert plain != safe
    assert parse_envelope(text).payload == payload
    assert "base64" in detail(text.replace(plain, safe))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        TEXT[:-1],
        f"{TEXT}x",
        f"{TEXT}{TEXT}",
        f"\ufeff{TEXT}",
        TEXT.replace('{"payloadType"', '{"payloadType":"x","payloadType"', 1),
        TEXT.replace('{"keyid"', '{"sig":"AAAA","keyid"', 1),
        changed(extra=1),
        changed(payloadType=""),
        changed(payloadType="x" * 201),
        changed(payloadType="\ud800"),
        changed(payloadType=None),
        changed(payloadType=float("nan")),
        changed(signatures=None),
        changed(signatures={}),
        changed(signatures=[None]),
        changed(signatures=[{"sig": "AAAA"}]),
        changed(signatures=[{"keyid": "", "sig": "AAAA"}]),
        changed(signatures=[{"keyid": 1, "sig": "AAAA"}]),
        changed(signatures=[{"keyid": "k", "sig": "AAAA", "cert": "x"}]),
        changed(signatures=[{"keyid": "k", "sig": "AAAA"}, {"keyid": "k", "sig": "AAAB"}]),
        "[" * 100_000,
        '{"payload":' * 5000,
        "1" * 5000,
    ],
)
def test_what_is_no_envelope_is_refused(text: str) -> None:
    assert detail(text)


@given(st.text())
def test_no_text_raises_anything_but_a_refusal(text: str) -> None:
    with pytest.raises(StatementError):
        parse_envelope(text)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_SIGNATURES = st.lists(st.fixed_dictionaries({"keyid": st.sampled_from([ED.key_id, EC.key_id]) | _JSON, "sig": _JSON}))


@given(
    st.dictionaries(st.sampled_from(["payloadType", "payload", "signatures", "more"]), _JSON),
    st.none() | _SIGNATURES,
    st.integers(0, len(TEXT)),
    st.text(max_size=3),
)
def test_no_altered_envelope_raises_anything_but_a_refusal(
    fields: dict[str, Any], signatures: list[Any] | None, place: int, piece: str
) -> None:
    if signatures is not None:
        fields = {**fields, "signatures": signatures}
    for text in (changed(**fields), TEXT[:place] + piece + TEXT[place + 1 :]):
        found = _read(text)
        same = found is None or (found.payload, found.payload_type) == (PAYLOAD, IN_TOTO)
        assert same or not signed_by(found, ED.public_key)


def _read(text: str) -> Any:
    """The envelope; None where it is refused."""
    with suppress(StatementError):
        return parse_envelope(text)
    return None


@given(st.binary(), st.text(), st.lists(st.tuples(st.sampled_from([ED.key_id, EC.key_id]) | st.text(), st.binary())))
def test_asking_who_signed_never_raises(payload: bytes, payload_type: str, pairs: list[tuple[str, bytes]]) -> None:
    odd = SignedPayload(payload_type, payload, tuple(pairs))
    assert not signed_by(odd, ED.public_key)
    assert not signed_by(odd, EC.public_key)


def test_signing_again_keeps_others_and_replaces_one_s_own() -> None:
    first = parse_envelope(sign(PAYLOAD, IN_TOTO, [EC]))
    second = parse_envelope(sign(PAYLOAD, IN_TOTO, [ED, EC], first))
    assert [key_id for key_id, _ in second.signatures] == [EC.key_id, ED.key_id]
    assert second.signatures[0] != first.signatures[0]
    assert signed_by(second, ED.public_key)
    assert signed_by(second, EC.public_key)


def test_one_payload_s_signatures_are_not_carried_to_another() -> None:
    for payload, payload_type in ((b"x", IN_TOTO), (PAYLOAD, "text/plain")):
        with pytest.raises(StatementError, match="another payload"):
            sign(payload, payload_type, [ED], SIGNED)
        with pytest.raises(StatementError, match="different payloads"):
            merged(SIGNED, SignedPayload(payload_type, payload, SIGNED.signatures))


def test_a_signature_that_was_good_once_is_good_for_nothing_else() -> None:
    pairs = SIGNED.signatures
    assert signed_by(SIGNED, ED.public_key)
    assert signed_by(SIGNED, ED.public_key)
    assert not signed_by(SignedPayload(IN_TOTO, b"other", pairs), ED.public_key)
    assert not signed_by(SignedPayload("text/plain", PAYLOAD, pairs), ED.public_key)
    carried = tuple((OTHER.key_id, signature) for _, signature in pairs)
    assert not signed_by(SignedPayload(IN_TOTO, PAYLOAD, carried), OTHER.public_key)
    assert not signed_by(SignedPayload(IN_TOTO, PAYLOAD, ((ED.key_id, bytes(64)),)), ED.public_key)


def test_an_envelope_that_could_not_be_read_is_not_made() -> None:
    with pytest.raises(StatementError):
        sign(PAYLOAD, IN_TOTO, [])
    full = replace(SIGNED, signatures=tuple((str(number), b"x") for number in range(MAX_SIGNATURES)))
    with pytest.raises(StatementError):
        sign(PAYLOAD, IN_TOTO, [ED], full)
    with pytest.raises(StatementError):
        merged(full, SIGNED)


def test_both_envelopes_signatures_are_kept() -> None:
    parts = [parse_envelope(sign(PAYLOAD, IN_TOTO, [key])) for key in (ED, EC)]
    both = parse_envelope(render(merged(*parts)))
    assert signed_by(both, ED.public_key)
    assert signed_by(both, EC.public_key)


@pytest.mark.parametrize(("value", "expected"), [({"payload": 1}, True), ({"a": 1}, False), ([], False), (None, False)])
def test_whatever_claims_to_be_an_envelope_is_taken_for_one(value: Any, expected: bool) -> None:  # noqa: FBT001 - a case
    assert is_envelope(value) is expected


@pytest.mark.parametrize("kind", KINDS)
def test_an_envelope_that_securesystemslib_made_is_accepted(kind: str) -> None:
    private = new_key(kind)
    public = private.public_key()
    made = Envelope(PAYLOAD, IN_TOTO, {})
    made.sign(CryptoSigner(private, SSlibKey.from_crypto(public, keyid=fingerprint(public))))
    found = parse_envelope(json.dumps(made.to_dict()))
    assert found.payload == PAYLOAD
    assert signed_by(found, public)
    assert not signed_by(found, ED.public_key)


@pytest.mark.parametrize("key", [ED, EC], ids=KINDS)
def test_securesystemslib_accepts_an_envelope_of_ours(key: FileKey) -> None:
    trusted = SSlibKey.from_crypto(key.public_key, keyid=key.key_id)
    ours = Envelope.from_dict(copy.deepcopy(json.loads(TEXT)))
    assert set(ours.verify([trusted], 1)) == {key.key_id}
    ours.payload += b" "
    with pytest.raises(VerificationError):
        ours.verify([trusted], 1)
