# SPDX-License-Identifier: Apache-2.0
"""`qaqpa waivers`: which exceptions there are, until when, and whether they count."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from rich.table import Table
from rich.text import Text

from qaqpa import times
from qaqpa.cli.common import (
    Target,
    add_config,
    add_registry,
    attaching,
    console,
    parties_for,
    print_trimmed,
    read_target,
    waiting,
)
from qaqpa.cli.looking import Look, look_at
from qaqpa.cli.placing import short_id
from qaqpa.config import Config, load_config
from qaqpa.errors import UsageError
from qaqpa.escape import visible
from qaqpa.evidence.kinds import WAIVER
from qaqpa.evidence.parties import Parties
from qaqpa.evidence.pieces import Piece, read_pieces
from qaqpa.evidence.verify import signatures
from qaqpa.model import Stage

_DAYS = re.compile("([1-9][0-9]{0,3})d", re.ASCII)
_WHOLE_REGISTRY = "models:/"


@dataclass(frozen=True)
class _Waiver:
    """A waiver that was found. `code` and `why` say why it does not count; they are empty where it does."""

    controls: list[str]
    model: str
    version: str
    stage: str
    until: str | None
    days_left: int | None
    category: str
    ticket: str
    reason: str
    requested_by: str
    signers: list[str]
    id: str
    code: str = ""
    why: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument(
        "target", nargs="?", metavar="TARGET", help="models:/name/7 or a directory; the whole registry where left out"
    )
    parser.add_argument("--expiring-in", metavar="DAYS", help="only those that end within so many days, such as 14d")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="text by default")
    add_config(parser)
    add_registry(parser)


def run(args: argparse.Namespace) -> int:
    """Lists the waivers.

    Raises:
        QaqpaError: the target or the registry cannot be read.
    """
    now = times.now()
    within = _within(args.expiring_in)
    config = load_config(args.config)
    parties = parties_for(config, args.target or _WHOLE_REGISTRY, now)
    if args.target:
        found = list(_of_target(read_target(args.target, args.registry_uri), config, parties, now))
    else:
        with waiting("reading the registry"):
            found = list(_of_registry(args.registry_uri, config, parties, now))
    if within is not None:
        latest = now + within
        found = [waiver for waiver in found if waiver.until and now < times.parse(waiver.until) <= latest]
    found.sort(key=lambda waiver: (waiver.until or "", waiver.model, waiver.version, waiver.id))
    if args.format == "json":
        hashed = args.target is not None
        document = {"schema": "urn:qaqpa:schema:waivers:v1", "now": times.render(now), "bytes_hashed": hashed}
        print(json.dumps({**document, "waivers": [asdict(waiver) for waiver in found]}, indent=2, sort_keys=True))
    else:
        _print(found)
    if not args.target:
        print("qaqpa: model files were not read: each waiver is taken to be about its version's bytes", file=sys.stderr)
    return 0


def _within(text: str | None) -> timedelta | None:
    if text is None:
        return None
    match = _DAYS.fullmatch(text)
    if not match:
        raise UsageError(f"{text[:40]!r} is no number of days", where="--expiring-in", required="such as 14d")
    return timedelta(days=int(match[1]))


def _of_target(target: Target, config: Config, parties: Parties | None, now: datetime) -> Iterator[_Waiver]:
    for stage in Stage:
        seen = look_at(target, stage, now, parties, config.settings_for(stage))
        for problem in seen.collected.problems:
            raise UsageError(problem.detail, where=target.name)
        for piece in seen.pieces:
            if piece.statement.kind.name == WAIVER and piece.statement.stage is stage:
                yield _waiver(seen, piece)


def _of_registry(uri: str | None, config: Config, parties: Parties | None, now: datetime) -> Iterator[_Waiver]:
    for listed in attaching().listed(uri):
        pieces, _ = read_pieces(listed.own, listed.subject, Stage.PRODUCTION, now)
        for piece in pieces:
            if piece.statement.kind.name == WAIVER and piece.statement.stage:
                subject = replace(listed.subject, digest=piece.statement.model_digest)
                stage = piece.statement.stage
                seen = look_at(Target(subject, listed.carried), stage, now, parties, config.settings_for(stage))
                yield _waiver(seen, piece)


def _waiver(seen: Look, piece: Piece) -> _Waiver:
    statement, refusal = piece.statement, seen.refusal(piece)
    fact, content = seen.fact(piece), statement.content
    until = statement.expires_at
    if fact:
        signers = [signer.id for signer in fact.signers]
    else:
        given = signatures(piece.envelopes, seen.parties) if seen.parties else []
        signers = sorted({signature.person.id for signature in given})
    code, why = (refusal.code, refusal.detail) if refusal else ("", "")
    return _Waiver(
        controls=content["controls"],
        model=seen.target.subject.name,
        version=seen.target.subject.version,
        stage=statement.stage.value if statement.stage else "",
        until=times.render(until) if until else None,
        days_left=(until - seen.now) // timedelta(days=1) if until and until > seen.now else None,
        category=content["category"],
        ticket=content["ticket"],
        reason=content["reason"],
        requested_by=content["requested_by"],
        signers=signers,
        id=statement.id,
        code=code,
        why=why,
    )


def _print(found: list[_Waiver]) -> None:
    out = console()
    if not found:
        out.print("No waiver.")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("controls", "model", "stage", "until (UTC)", "left", "category", "ticket", "signed by", "counts"):
        table.add_column(name, overflow="fold")
    for waiver in found:
        left = "ended" if waiver.days_left is None else f"{waiver.days_left} d"
        until = (waiver.until or "")[:16].replace("T", " ")
        model = f"{waiver.model} {waiver.version}".strip()
        signers, counts = ", ".join(waiver.signers) or "nobody", waiver.code or "yes"
        cells = (
            *(", ".join(waiver.controls), model, waiver.stage, until, left, waiver.category),
            *(waiver.ticket, signers, counts),
        )
        table.add_row(*(Text(visible(cell)) for cell in cells))
    print_trimmed(out, table)
    refused = [waiver for waiver in found if waiver.code]
    if refused:
        out.print()
    for waiver in refused:
        out.print(Text(f"{short_id(waiver.id)}: {visible(waiver.why, 500)} [{waiver.code}]"))
