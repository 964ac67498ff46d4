# SPDX-License-Identifier: Apache-2.0
"""`qaqpa attest`: turns an evidence file into a statement about one model, signs it, and attaches it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from qaqpa import times
from qaqpa.cli.common import Target, add_config, add_registry, attaching, parties_for, read_target
from qaqpa.cli.placing import add_delivery, check_delivery, deliver
from qaqpa.cli.signing import add_key_arguments, signers_of
from qaqpa.cli.statements import (
    Held,
    check_end,
    context_of,
    ends_at,
    signed_text,
    statement_about,
    tell,
    warn_unsigned_context,
)
from qaqpa.config import load_config
from qaqpa.documents import read
from qaqpa.errors import UsageError
from qaqpa.escape import visible
from qaqpa.evidence.directory import read_draft
from qaqpa.evidence.envelope import SignedPayload, is_envelope
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.keys import SigningKey
from qaqpa.evidence.kinds import NO_EVIDENCE, STAGE, SYSTEM, Kind, kind
from qaqpa.evidence.parties import Parties
from qaqpa.evidence.pieces import MAX_CHARACTERS, read_statement
from qaqpa.evidence.signing import CLOCK_SKEW
from qaqpa.evidence.statement import STATEMENT_TYPE, Statement
from qaqpa.evidence.verify import check_exception, signatures
from qaqpa.model import JsonObject, Stage


@dataclass(frozen=True)
class _Made:
    """A statement that was there before: its payload, and the envelope around it where there was one."""

    statement: Statement
    payload: bytes
    envelope: SignedPayload | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument("kind", metavar="KIND", help="kind of evidence, such as audit")
    parser.add_argument(
        "file", metavar="FILE", help="evidence file, YAML or JSON; or a statement that is there, to add signatures"
    )
    parser.add_argument("--model", required=True, metavar="TARGET", help="models:/name/7, or a directory with model/")
    add_key_arguments(parser)
    parser.add_argument(
        "--expires", metavar="DATE", help="last day of the statement, or the time with zone at which it ends"
    )
    parser.add_argument("--stage", choices=[stage.value for stage in Stage], help="stage, for kinds that name one")
    parser.add_argument(
        "--replace",
        action="store_true",
        help="take away what nobody signed of the same kind; what is signed has to be withdrawn",
    )
    add_delivery(parser)
    add_config(parser)
    add_registry(parser)


def run(args: argparse.Namespace) -> int:
    """Makes or takes up the statement, signs it, and attaches or writes it.

    Raises:
        QaqpaError: the file does not fit its schema, the model cannot be read, or what the kind binds is missing.
    """
    own, now = kind(args.kind), times.now()
    given = _given(args.file, own)
    check_delivery(args)
    _check_options(args, own, given)
    expires = ends_at(args.expires, now)
    if not isinstance(given, _Made):
        check_end(own, expires, now)
    config = load_config(args.config)
    keys = signers_of(args)
    target = read_target(args.model, args.registry_uri)
    parties = parties_for(config, args.model, now)
    held = context_of(target, parties, now) if "system" in own.binds else None
    if isinstance(given, _Made):
        _check_about(args, given.statement, target, held, now)
        payload, earlier = given.payload, given.envelope
    else:
        stage = Stage(args.stage) if args.stage else None
        payload, earlier = statement_about(target, own, given, held, now, expires=expires, stage=stage), None
    _warn(held, read_statement(payload.decode())[0])
    _check_withdrawal(args, target, read_statement(payload.decode())[0], keys, parties)
    if isinstance(given, _Made) and keys:
        _agree(given.statement)
    try:
        signed = signed_text(payload, keys, earlier)
    except StatementError as error:
        raise UsageError(error.detail, where=args.file, mend="Sign the statement without the junk in it") from error
    text, where = deliver(args, signed)
    tell(target, text, where, held, parties, now, made=len(keys), all_of_it=isinstance(given, _Made))
    _earlier(args, target, read_statement(text)[0])
    return 0


def _given(path: str, own: Kind) -> JsonObject | _Made:
    """What the file holds: a draft's content, or a statement."""
    value = read(path).value if path.endswith(".json") else None
    if not is_envelope(value) and not (isinstance(value, dict) and value.get("_type") == STATEMENT_TYPE):
        content: JsonObject = read_draft(path, own.name).value
        return content
    text = Path(path).read_bytes().decode()
    try:
        statement, envelope = read_statement(text)
    except StatementError as error:
        raise UsageError(error.detail, where=path, required="a statement, or an envelope of one") from error
    if statement.kind.name != own.name:
        raise UsageError(f"The statement is of kind {statement.kind.name!r}", where=path, required=own.name)
    return _Made(statement, envelope.payload if envelope else text.encode(), envelope)


def _check_options(args: argparse.Namespace, own: Kind, given: JsonObject | _Made) -> None:
    if isinstance(given, _Made):
        if args.expires:
            raise UsageError("The statement is made already; its end cannot be changed", where="--expires")
        if args.stage and given.statement.stage is not Stage(args.stage):
            there = given.statement.stage
            raise UsageError(f"The statement is for {there.value if there else 'every stage'}", where="--stage")
    elif STAGE in own.binds and not args.stage:
        required = " or ".join(stage.value for stage in Stage)
        raise UsageError(f"A statement of kind {own.name} is for one stage", where="--stage", required=required)
    elif args.stage and STAGE not in own.binds:
        raise UsageError(f"A statement of kind {own.name} names no stage", where="--stage")


def _check_about(
    args: argparse.Namespace, statement: Statement, target: Target, held: Held | None, now: datetime
) -> None:
    """Nobody is to sign what is about something else than it was said to be about."""
    binds, subject = statement.kind.binds, target.subject
    if "model" in binds and statement.model_digest != subject.digest:
        raise UsageError(
            f"The statement is about the model digest {statement.model_digest}",
            where=args.file,
            required=f"{subject.digest or 'none: its bytes are out of reach'}, as {target.name} has it",
        )
    if statement.kind.name == SYSTEM:
        if all(model["name"] != subject.name for model in statement.content["models"]):
            raise UsageError(f"The context does not name the registered model {subject.name}", where=args.file)
    elif "system" in binds and (held is None or statement.context_digest != held.digest):
        raise UsageError(
            f"The statement is about the context digest {statement.context_digest}",
            where=args.file,
            required=f"{held.digest if held else 'none: no context is there'}, as {target.name} has it",
        )
    if statement.kind.name != SYSTEM and not statement.withdraws and statement.registered_model != subject.name:
        raise UsageError(
            f"The statement is about the registered model {statement.registered_model}",
            where=args.file,
            required=subject.name,
        )
    if statement.issued_at > now + CLOCK_SKEW:
        raise UsageError(f"The statement is dated {times.render(statement.issued_at)}, in the future", where=args.file)
    try:
        check_exception(statement)
    except StatementError as error:
        raise UsageError(error.detail, where=args.file) from error
    if statement.expires_at and statement.expires_at <= now:
        raise UsageError(f"The statement ended on {times.render(statement.expires_at)}", where=args.file)


def _agree(statement: Statement) -> None:
    """Shows what somebody else wrote before it is signed, and asks where somebody can answer."""
    print("This is what is signed:", file=sys.stderr)
    for line in json.dumps(statement.content, indent=2, ensure_ascii=False).splitlines():
        print(f"  {visible(line, MAX_CHARACTERS)}", file=sys.stderr)
    if sys.stdin.isatty() and input("Sign this? [y/N] ").strip().lower() not in {"y", "yes"}:
        raise UsageError("Nothing was signed", required="y, to sign what is shown")


def _warn(held: Held | None, statement: Statement) -> None:
    """Says what is allowed and will not help."""
    said = ""
    if statement.kind.name == SYSTEM:
        version = statement.content["version"]
        if held and held.digest != statement.context_digest and version <= held.version:
            said = f"a context of version {held.version} is there, so one of version {version} will not hold"
    else:
        warn_unsigned_context(held)
    if said:
        print(f"qaqpa: {said}", file=sys.stderr)


def _check_withdrawal(
    args: argparse.Namespace, target: Target, statement: Statement, keys: Sequence[SigningKey], parties: Parties | None
) -> None:
    """A withdrawal of nothing, or by nobody who signed, has no effect, and could not be taken away again."""
    if not statement.withdraws:
        return
    found = [envelope for there, envelope, _ in _there(target) if there.id == statement.withdraws]
    if not found:
        raise UsageError(
            f"{visible(args.model)} has no statement {statement.withdraws}",
            where=args.file,
            mend="`qaqpa evidence show` prints the whole id",
        )
    if not parties or not keys:
        return
    signers = {one.person.id for one in signatures([envelope for envelope in found if envelope], parties)}
    owners = {owner[0].id for key in keys if (owner := parties.key_owner(key.key_id))}
    if not owners & signers:
        raise UsageError(
            "Nobody who signs this withdrawal signed the statement",
            where=args.file,
            required=f"a key of {', '.join(sorted(signers)) or 'whoever signed it'}",
        )


def _there(target: Target) -> Iterator[tuple[Statement, SignedPayload | None, str]]:
    """The statements that a target has, with the envelope where there is one, and the tag."""
    for piece in target.carried:
        try:
            yield *read_statement(piece.text), piece.tag
        except StatementError:  # noqa: PERF203 - what cannot be read is no statement
            continue


def _earlier(args: argparse.Namespace, target: Target, made: Statement) -> None:
    """Takes declared statements of the kind away where that was asked, else says that what is there counts too."""
    if made.kind.name in NO_EVIDENCE - {SYSTEM}:
        return
    others = [
        (envelope, tag) for there, envelope, tag in _there(target) if there.kind is made.kind and there.id != made.id
    ]
    declared = sorted({tag for envelope, tag in others if tag and not envelope})
    signed = sum(1 for envelope, _ in others if envelope)
    stays = len(others)
    for tag in declared if args.replace and not args.output and not args.no_upload else ():
        if attaching().detach(args.model, tag, registry_uri=args.registry_uri):
            print(f"took away {visible(tag)} (nobody had signed it)")
            stays -= 1
    if not stays:
        return
    hint = f"; {signed} of them signed: their signers can withdraw them (qaqpa attest withdrawal)" if signed else ""
    replace = "; --replace takes away what nobody signed" if declared and not args.replace else ""
    print(
        f"qaqpa: {stays} other statement(s) of this kind count too, and the worst decides{hint}{replace}",
        file=sys.stderr,
    )
