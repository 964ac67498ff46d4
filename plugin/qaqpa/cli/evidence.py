# SPDX-License-Identifier: Apache-2.0
"""`qaqpa evidence`: what evidence is there, who signed it, until when, and what was refused and why."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from functools import reduce
from pathlib import Path

from rich.console import Console
from rich.text import Text

from qaqpa import times
from qaqpa.cli.common import add_config, add_registry, console
from qaqpa.cli.looking import TEXTS, Look, Signed, look, place
from qaqpa.cli.placing import put_new, short_id
from qaqpa.errors import UsageError
from qaqpa.escape import visible
from qaqpa.evidence.documents import documents_of
from qaqpa.evidence.envelope import merged, render
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.pieces import Piece
from qaqpa.model import Evidence, Json, JsonObject, Rejection, Stage
from qaqpa.report.codes import nearest_first
from qaqpa.report.evidence import MAX_DETAIL

_LONG = 4000
_KIND = 17
_NARROWEST = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="list what is there, and what was refused and why")
    show = actions.add_parser("show", help="show one statement, and each of its signatures")
    pull = actions.add_parser("pull", help="write each statement to a file")
    for action in (listing, show, pull):
        action.add_argument("target", metavar="TARGET", help="models:/name/7, models:/name@alias, or a directory")
    show.add_argument("id", metavar="ID", help="first digits of the statement's SHA-256")
    pull.add_argument("--to", required=True, type=Path, metavar="DIR", help="directory to write to")
    listing.add_argument("--format", choices=["text", "json"], default="text", help="text by default")
    for action in (listing, show, pull):
        action.add_argument(
            "--stage",
            choices=[stage.value for stage in Stage],
            help="stage at which it is to count; review for a directory, else production",
        )
        add_config(action)
        add_registry(action)


def run(args: argparse.Namespace) -> int:
    """Lists, shows or writes.

    Raises:
        QaqpaError: the target cannot be read, there is no such statement, or a file cannot be written.
    """
    seen = look(args)
    if args.action == "show":
        _show(seen, seen.found(args.id), console())
    elif args.action == "pull":
        _pull(seen, args.to)
    elif args.format == "json":
        print(json.dumps(_document(seen), indent=2, sort_keys=True))
    else:
        _list(seen, console())
    return 0


def _list(seen: Look, out: Console) -> None:
    digest = seen.target.subject.digest
    out.print(Text.assemble((visible(seen.target.name), "bold"), f"  (stage {seen.stage.value})"))
    out.print(f"model digest {digest or 'none: the bytes are out of reach'}")
    for problem in (*seen.target.problems, *seen.collected.problems):
        out.print(Text(f"? {TEXTS.say('problem.' + problem.code)} {visible(problem.detail, 2000)}"))
    withdrawals = seen.withdrawals()
    _section(out, f"Counts ({len(seen.collected.everything) + len(withdrawals)})")
    for fact in seen.collected.everything:
        until = fact.expires_at.strftime(", until %Y-%m-%d %H:%M UTC") if fact.expires_at else ""
        signers = ", ".join(signer.id for signer in fact.signers) or "nobody"
        _line(out, f"{fact.kind:<{_KIND}}  {short_id(fact.id)}  {fact.strength.value}{until}", 2)
        _line(out, f"signed by {visible(signers, _LONG)}; {visible(place(fact.source, fact.kind, fact.id))}", 4)
    for piece in withdrawals:
        _withdrawal(seen, piece, out)
    _section(out, f"Refused ({len(seen.collected.rejected)})")
    for code in nearest_first(refusal.code for refusal in seen.collected.rejected):
        _refused(out, code, [refusal for refusal in seen.collected.rejected if refusal.code == code])


def _refused(out: Console, code: str, refusals: list[Rejection]) -> None:
    _line(out, Text.assemble((visible(code), "bold"), f": {TEXTS.reason(code)}"), 2)
    for refusal in refusals:
        named = ", ".join(filter(None, (visible(refusal.kind), visible(refusal.source))))
        _line(out, f"{named}: {visible(refusal.detail, MAX_DETAIL)}", 4)
    if TEXTS.remedy(code):
        _line(out, Text.assemble(("To mend: ", "cyan"), TEXTS.remedy(code)), 4)


def _withdrawal(seen: Look, piece: Piece, out: Console) -> None:
    statement = piece.statement
    signers = ", ".join(dict.fromkeys(signed.person for signed in seen.signatures(piece) if not signed.code))
    withdrawn = short_id(statement.withdraws or "")
    _line(out, f"{statement.kind.name:<{_KIND}}  {short_id(statement.id)}  takes back {withdrawn}", 2)
    where = place(piece.source, statement.kind.name, statement.id)
    _line(out, f"signed by {visible(signers, _LONG) or 'nobody'}; {visible(where)}", 4)


def _document(seen: Look) -> JsonObject:
    subject = seen.target.subject
    return {
        "schema": "urn:qaqpa:schema:evidence-list:v1",
        "subject": {"name": subject.name, "version": subject.version, "digest": subject.digest},
        "stage": seen.stage.value,
        "now": times.render(seen.now),
        "context_digest": seen.collected.context_digest,
        "counts": [_fact(fact) for fact in seen.collected.everything],
        "withdrawals": [
            {"id": piece.statement.id, "statement": piece.statement.withdraws, "source": piece.source}
            for piece in seen.withdrawals()
        ],
        "refused": [asdict(refusal) for refusal in seen.collected.rejected],
        "problems": [asdict(problem) for problem in (*seen.target.problems, *seen.collected.problems)],
    }


def _fact(fact: Evidence) -> Json:
    return {
        "kind": fact.kind,
        "id": fact.id,
        "strength": fact.strength.value,
        "signers": [signer.id for signer in fact.signers],
        "issued_at": times.render(fact.issued_at) if fact.issued_at else None,
        "until": times.render(fact.expires_at) if fact.expires_at else None,
        "source": fact.source,
    }


def _show(seen: Look, piece: Piece, out: Console) -> None:
    statement = piece.statement
    out.print(Text.assemble((statement.kind.name, "bold"), f"  {statement.kind.title}"))
    for name, value in _head(seen, piece):
        _line(out, f"{name:<14}  {visible(value)}", 2)
    _line(out, _verdict(seen, piece), 2)
    _section(out, "It says")
    for name, value in statement.content.items():
        if name != "kind":
            _line(out, f"{visible(name)}: {visible(json.dumps(value, ensure_ascii=False), _LONG)}", 2)
    signatures = seen.signatures(piece)
    _section(out, f"Signatures ({len(signatures)})")
    for signed in signatures:
        _signature(out, signed)
    if not signatures:
        _line(out, "Nobody signed it.", 2)
    documents = documents_of(statement.kind, statement.content)
    _section(out, f"Documents ({len(documents)})")
    for document in documents:
        _line(out, f"{visible(document.field)}: {visible(document.uri, _LONG)}", 2)
        _line(out, f"SHA-256 {document.sha256}", 4)


def _head(seen: Look, piece: Piece) -> Iterator[tuple[str, str]]:
    statement, fact = piece.statement, seen.fact(piece)
    yield "statement", statement.id
    yield "from", piece.source
    yield "model", statement.registered_model
    for name, value in (
        ("model digest", statement.model_digest),
        ("context digest", statement.context_digest),
        ("withdraws", statement.withdraws),
        ("reviews", statement.reviews),
        ("stage", statement.stage.value if statement.stage else None),
    ):
        if value:
            yield name, value
    yield "issued", times.render(statement.issued_at)
    ends = fact.expires_at if fact else statement.expires_at
    yield "ends", times.render(ends) if ends else "with the age that the parties file allows its kind"


def _verdict(seen: Look, piece: Piece) -> Text:
    fact, refusal = seen.fact(piece), seen.refusal(piece)
    if fact:
        return Text(f"It counts in {seen.stage.value} as {fact.strength.value}.", style="green")
    if refusal:
        return Text(
            f"It does not count in {seen.stage.value}: {visible(refusal.detail, MAX_DETAIL)} [{refusal.code}]",
            style="red",
        )
    return Text("It makes no fact: it takes another statement back, where everybody who signed that signed this.")


def _signature(out: Console, signed: Signed) -> None:
    _line(out, f"{visible(signed.key_id)}  {visible(signed.person) or 'nobody known'}", 2)
    if signed.code:
        _line(out, Text(f"does not count: {visible(signed.why, MAX_DETAIL)} [{signed.code}]", style="red"), 4)
    else:
        _line(out, f"counts{', as independent' if signed.independent else ''}", 4)


def _pull(seen: Look, folder: Path) -> None:
    """Writes all statements, or nothing where a file stands in the way."""
    pieces = [piece for piece in seen.pieces if not piece.draft]
    files = {
        folder / f"{piece.statement.kind.name}.{short_id(piece.statement.id)}.json": _text(seen, piece)
        for piece in pieces
    }
    put_new(files)
    for path in files:
        print(visible(path, _LONG))
    for refusal in seen.unreadable:
        print(
            f"qaqpa: not written: {visible(refusal.source)}: {visible(refusal.detail)} [{refusal.code}]",
            file=sys.stderr,
        )
    print(f"qaqpa: {len(files)} statements written to {visible(folder, _LONG)}", file=sys.stderr)


def _text(seen: Look, piece: Piece) -> str:
    """The statement as it is carried; where it came by several ways, with all signatures."""
    if piece.envelopes:
        try:
            return render(reduce(merged, piece.envelopes))
        except StatementError as error:
            raise UsageError(error.detail, where=f"{piece.statement.kind.name} {piece.statement.id}") from error
    return next(one.text for one in seen.target.carried if one.source == piece.source)


def _section(out: Console, title: str) -> None:
    out.print()
    out.print(Text(title, style="bold underline"))


def _line(out: Console, text: str | Text, indent: int) -> None:
    body = text if isinstance(text, Text) else Text(text)
    for line in body.wrap(out, max(out.width - indent, _NARROWEST)):
        line.rstrip()
        out.print(Text.assemble(" " * indent, line), soft_wrap=True)
