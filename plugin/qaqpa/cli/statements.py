# SPDX-License-Identifier: Apache-2.0
"""What commands that make statements share: the context that holds, the end, the payload, and what was signed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from qaqpa import times
from qaqpa.cli.common import Target
from qaqpa.errors import UsageError
from qaqpa.escape import visible
from qaqpa.evidence.carriers import Carried
from qaqpa.evidence.collect import collect
from qaqpa.evidence.envelope import IN_TOTO, SignedPayload, render, sign
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.keys import SigningKey
from qaqpa.evidence.kinds import SYSTEM, WAIVER, Kind
from qaqpa.evidence.parties import Parties
from qaqpa.evidence.pieces import read_statement
from qaqpa.evidence.statement import Statement, make_statement
from qaqpa.evidence.verify import MAX_WAIVER, end_of
from qaqpa.model import JsonObject, Stage, Strength
from qaqpa.report.forms import shown


@dataclass(frozen=True)
class Held:
    """The context that holds for a target; `signed` where somebody signed it whom the parties file trusts with it."""

    digest: str
    version: int
    signed: bool


def context_of(target: Target, parties: Parties | None, now: datetime) -> Held | None:
    """The context that holds: of those that somebody trusted signed, else of those that were only declared.

    Raises:
        UsageError: contexts contradict each other, or there is too much evidence to read.
    """
    for minimum in (Strength.SIGNED, Strength.DECLARED):
        # At review a directory's own context counts, which is a draft.
        found = collect(target.carried, target.subject, Stage.REVIEW, now, parties=parties, minimum=minimum)
        if found.problems:
            raise UsageError(found.problems[0].detail, where=target.name)
        if found.context and found.context_digest:
            return Held(found.context_digest, int(found.context["version"]), minimum is Strength.SIGNED)
    return None


def warn_unsigned_context(held: Held | None) -> None:
    """Says where nobody trusted signed the context that a statement is about."""
    if held and not held.signed:
        print(
            "qaqpa: nobody whom a parties file in force here trusts with it signed the context that this is about",
            file=sys.stderr,
        )


def ends_at(text: str | None, now: datetime) -> datetime | None:
    """What `--expires` means; a day counts to its end.

    Raises:
        UsageError: it is no time, or lies in the past.
    """
    if text is None:
        return None
    try:
        moment = times.parse(text)
    except ValueError as error:
        raise UsageError(str(error), where="--expires") from error
    if "T" not in text:
        moment += timedelta(days=1)
    if moment <= now:
        raise UsageError(f"{text} lies in the past", where="--expires")
    return moment


def check_end(own: Kind, expires: datetime | None, now: datetime) -> None:
    """Refuses a waiver without an end, or one that ends too late to count.

    Raises:
        UsageError: saying until when it may last.
    """
    if own.name != WAIVER:
        return
    latest = times.render(now + MAX_WAIVER)
    if expires is None:
        raise UsageError("A waiver has to end", where="--expires", required=f"at the latest {latest}")
    if expires - now > MAX_WAIVER:
        found = f"The waiver would last until {times.render(expires)}, longer than {MAX_WAIVER.days} days"
        raise UsageError(found, where="--expires", required=f"at the latest {latest}")


def statement_about(  # noqa: PLR0913 - each argument is a part of the statement
    target: Target,
    own: Kind,
    content: JsonObject,
    held: Held | None,
    now: datetime,
    *,
    expires: datetime | None,
    stage: Stage | None,
) -> bytes:
    """The payload of a statement about a target.

    Raises:
        UsageError: what the kind binds is missing, or a context does not name the model.
    """
    subject = target.subject
    if own.name == SYSTEM and all(model["name"] != subject.name for model in content["models"]):
        found = f"The context does not name the registered model {subject.name}"
        raise UsageError(found, required="its name under `models`")
    try:
        return make_statement(
            own,
            content,
            registered_model=subject.name,
            model_digest=subject.digest,
            context_digest=held.digest if held else None,
            issued_at=now,
            expires_at=expires,
            stage=stage,
        )
    except StatementError as error:
        mend = "Attest the context first: qaqpa attest system context.yaml --model …"
        raise UsageError(error.detail, where=own.name, mend=mend if error.code == "context_missing" else "") from error


def signed_text(payload: bytes, keys: Sequence[SigningKey], earlier: SignedPayload | None) -> str:
    """The text that travels: an envelope with all signatures, or the bare statement where nobody signed."""
    if keys:
        return sign(payload, IN_TOTO, keys, earlier)
    return render(earlier) if earlier else payload.decode()


def tell(  # noqa: PLR0913 - keyword arguments, each a part of what is told
    target: Target,
    text: str,
    where: str,
    held: Held | None,
    parties: Parties | None,
    now: datetime,
    *,
    made: int,
    all_of_it: bool = False,
) -> None:
    """Prints what was signed, so that whoever signed sees it, where it went, and whether it counts.

    Args:
        target: what it is about.
        text: the statement or envelope, as it lies there.
        where: where it lies.
        held: the context that holds.
        parties: who may sign what.
        now: when it was signed.
        made: how many signatures were made.
        all_of_it: true where the content is to be printed too: somebody else wrote it.
    """
    statement, envelope = read_statement(text)
    count = len(envelope.signatures) if envelope else 0
    signed = f" with {count} signature{'s' if count != 1 else ''}, {made} made now" if envelope else ""
    print(f"{statement.kind.name} about {visible(target.name)}{signed}")
    for name, value in _says(statement, envelope, target, held, parties):
        print(f"  {name:<14}  {visible(value)}")
    print(f"  {'went to':<14}  {where}")
    if all_of_it:
        print("It says:")
        for name, value in statement.content.items():
            print(f"  {visible(name)}: {shown(value)}")
    if envelope:
        print(_standing(text, target, parties, now))
    else:
        print("Declared: nobody signed it, and it will not count in production.")


def _says(
    statement: Statement, envelope: SignedPayload | None, target: Target, held: Held | None, parties: Parties | None
) -> Iterator[tuple[str, str]]:
    subject = target.subject
    yield "model", " version ".join(filter(None, (statement.registered_model, subject.version)))
    if statement.model_digest:
        yield "model digest", statement.model_digest
    if statement.kind.name == SYSTEM:
        yield "context", f"version {statement.content['version']}"
    elif statement.context_digest and held:
        yield "context", f"version {held.version}"
    if statement.context_digest:
        yield "context digest", statement.context_digest
    if statement.withdraws:
        yield "withdraws", statement.withdraws
    if statement.reviews:
        yield "reviews", statement.reviews
    if statement.stage:
        yield "stage", statement.stage.value
    yield "statement", statement.id
    yield "issued", times.render(statement.issued_at)
    yield "ends", _end(statement, parties)
    for key_id, _ in envelope.signatures if envelope else ():
        owner = parties.key_owner(key_id) if parties else None
        whose = f"listed as a key of {owner[0].id}" if owner else "in no parties file known here"
        yield "signature", f"{key_id} ({whose})"


def _standing(text: str, target: Target, parties: Parties | None, now: datetime) -> str:
    """Whether a signed statement counts beside all else that is there, as far as that can be seen from here."""
    if parties is None:
        return "No parties file is in force here, so whether the signature counts cannot be told."
    statement, _ = read_statement(text)
    stage = statement.stage or Stage.PRODUCTION
    own = Carried("this statement", text)
    found = collect([own, *target.carried], target.subject, stage, now, parties=parties)
    counts = next((fact for fact in found.accepted if fact.id == statement.id), None)
    refused = next((refusal for refusal in found.rejected if refusal.source == own.source), None)
    if counts:
        return f"Seen from here, it counts in {stage.value} as {counts.strength.value}."
    if refused:
        return f"Seen from here, it does not count in {stage.value} yet: {visible(refused.detail)} [{refused.code}]"
    return "Seen from here, it counts." if statement.withdraws else ""


def _end(statement: Statement, parties: Parties | None) -> str:
    rule = parties.rules.get(statement.kind.name) if parties else None
    if rule:
        by_rule = times.render(end_of(statement, rule))
        shorter = statement.expires_at is None or by_rule != times.render(statement.expires_at)
        return f"{by_rule}, by the rule of its kind" if shorter else by_rule
    return times.render(statement.expires_at) if statement.expires_at else "by the rule of its kind in the parties file"
