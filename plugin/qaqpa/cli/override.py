# SPDX-License-Identifier: Apache-2.0
"""`qaqpa override`: break-glass. Two persons sign, a server lets one promotion through, somebody else looks back."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from qaqpa import times
from qaqpa.cli import attest
from qaqpa.cli.common import Target, add_action, add_registry, parties_for, read_target
from qaqpa.cli.placing import add_delivery, check_delivery, deliver
from qaqpa.cli.signing import add_key_arguments, signers_of
from qaqpa.cli.statements import context_of, signed_text, statement_about, tell, warn_unsigned_context
from qaqpa.config import load_config
from qaqpa.errors import UsageError
from qaqpa.escape import visible
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.kinds import OVERRIDE, OVERRIDE_REVIEW, kind
from qaqpa.evidence.pieces import read_statement
from qaqpa.evidence.verify import MAX_OVERRIDE
from qaqpa.model import JsonObject, Stage

_MOST_HOURS = MAX_OVERRIDE // timedelta(hours=1)
_STAGES = (Stage.STAGING.value, Stage.PRODUCTION.value)
_THIRD = "Who signed it cannot use it: a third person, of another unit than both, has to ask for the promotion."
_DIGEST = re.compile("[0-9a-f]{64}", re.ASCII)
_START = re.compile("[0-9a-f]{6,64}", re.ASCII)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    made = add_action(
        actions, "sign", "make an override and sign it; without --key twice, somebody else signs it too", _sign
    )
    made.add_argument("--ticket", required=True, metavar="TEXT", help="where the emergency is recorded")
    made.add_argument("--reason", required=True, metavar="TEXT", help="what happens without it, and why it cannot wait")
    made.add_argument(
        "--hours", required=True, type=int, metavar="N", help=f"how long it can be used, at most {_MOST_HOURS} hours"
    )
    made.add_argument("--stage", choices=_STAGES, default=Stage.PRODUCTION.value, help="production by default")
    _add_signing(made)
    second = add_action(actions, "cosign", "add a signature to an override that somebody made", _cosign)
    second.add_argument("file", metavar="FILE", help="the override, as `override sign --output` wrote it")
    _add_signing(second)
    review = add_action(actions, "review", "look back at an override that was used", _review)
    review.add_argument(
        "override", metavar="OVERRIDE", help="its file, its SHA-256, or the first digits of one that is attached"
    )
    review.add_argument("--outcome", required=True, choices=["justified", "not_justified"], help="whether it was right")
    review.add_argument("--learnt", required=True, metavar="TEXT", help="what was learnt")
    review.add_argument(
        "--measure", action="append", default=[], metavar="TEXT", help="what was decided to do; repeatable"
    )
    _add_signing(review)
    listing = add_action(
        actions, "list", "overrides that were used, and whether they are reviewed; from the log", _list
    )
    listing.add_argument("--model", metavar="NAME", help="only of this registered model")
    listing.add_argument("--format", choices=["text", "json"], default="text", help="text by default")
    listing.add_argument("--log", metavar="URL", help="database of the log; QAQPA_LOG, else the configuration's")


def run(args: argparse.Namespace) -> int:
    """Runs the chosen action.

    Raises:
        QaqpaError: the model or the log cannot be read, or what was asked cannot be made.
    """
    return int(args.act(args))


def _add_signing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True, metavar="TARGET", help="models:/name/7, or a directory with model/")
    add_key_arguments(parser)
    add_delivery(parser)
    add_registry(parser)


def _sign(args: argparse.Namespace) -> int:
    if not 1 <= args.hours <= _MOST_HOURS:
        required = f"a whole number from 1 to {_MOST_HOURS}"
        raise UsageError(f"An override cannot last {args.hours} hours", where="--hours", required=required)
    content = {"kind": OVERRIDE, "ticket": args.ticket, "reason": args.reason}
    required = "a ticket with 1 to 200 characters, and a reason with 1 to 4000"
    done = _made(args, content, required, hours=args.hours, stage=Stage(args.stage))
    print(_THIRD)
    return done


def _cosign(args: argparse.Namespace) -> int:
    args.kind, args.expires, args.stage, args.replace = OVERRIDE, None, None, False
    done = attest.run(args)
    print(_THIRD)
    return done


def _review(args: argparse.Namespace) -> int:
    digest = _digest(args.override, lambda: read_target(args.model, args.registry_uri))
    content = {"kind": OVERRIDE_REVIEW, "statement": digest, "outcome": args.outcome, "learnt": args.learnt}
    if args.measure:
        content["measures"] = list(args.measure)
    return _made(args, content, "what was learnt, and measures, each with 1 to 4000 characters")


def _list(args: argparse.Namespace) -> int:
    from qaqpa.cli import overrides  # noqa: PLC0415 - whoever signs needs no SQLAlchemy

    return overrides.show(args)


def _made(
    args: argparse.Namespace, content: JsonObject, required: str, *, hours: int = 0, stage: Stage | None = None
) -> int:
    """Makes a statement of a content, signs it, and attaches or writes it."""
    own, now = kind(content["kind"]), times.now()
    if not own.fits(content):
        raise UsageError(f"It does not fit the schema of kind {own.name}", required=required)
    if not args.key:
        raise UsageError("Nobody signs it, so it would not count", where="--key", required="a private key")
    check_delivery(args)
    config = load_config(args.config)
    keys = signers_of(args)
    target = read_target(args.model, args.registry_uri)
    parties = parties_for(config, args.model, now)
    held = context_of(target, parties, now) if "system" in own.binds else None
    warn_unsigned_context(held)
    expires = now + timedelta(hours=hours) if hours else None
    payload = statement_about(target, own, content, held, now, expires=expires, stage=stage)
    text, where = deliver(args, signed_text(payload, keys, None))
    tell(target, text, where, held, parties, now, made=len(keys), all_of_it=True)
    return 0


def _digest(named: str, target: Callable[[], Target]) -> str:
    """The SHA-256 of the override that is meant.

    Raises:
        UsageError: nothing is meant by it, or too much.
    """
    if _DIGEST.fullmatch(named):
        return named
    if Path(named).is_file():
        try:
            statement, _ = read_statement(Path(named).read_bytes().decode())
        except (StatementError, UnicodeDecodeError, OSError) as error:
            detail = error.detail if isinstance(error, StatementError) else "It cannot be read"
            raise UsageError(detail, where=visible(named), required="an override") from error
        if statement.kind.name != OVERRIDE:
            raise UsageError(f"The statement is of kind {statement.kind.name}", where=visible(named), required=OVERRIDE)
        return statement.id
    found = _attached(target(), named) if _START.fullmatch(named) else set()
    if len(found) != 1:
        what = "More than one override begins so" if found else "There is no such override"
        mend = "`qaqpa override list` prints the SHA-256 of those that were used"
        raise UsageError(what, where=visible(named), required="a file, or 64 hexadecimal digits", mend=mend)
    return found.pop()


def _attached(target: Target, start: str) -> set[str]:
    """The overrides that a target carries and whose SHA-256 begins so."""
    found = set()
    for piece in target.carried:
        try:
            statement, _ = read_statement(piece.text)
        except StatementError:
            continue
        if statement.kind.name == OVERRIDE and statement.id.startswith(start):
            found.add(statement.id)
    return found
