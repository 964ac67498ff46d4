# SPDX-License-Identifier: Apache-2.0
"""`qaqpa waive`: makes a waiver, a signed exception for named controls of one model version, with an end."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from qaqpa import times
from qaqpa.cli.common import add_config, add_registry, parties_for, read_target
from qaqpa.cli.placing import add_delivery, check_delivery, deliver
from qaqpa.cli.signing import add_key_arguments, signers_of
from qaqpa.cli.statements import context_of, signed_text, statement_about, tell, warn_unsigned_context
from qaqpa.config import load_config
from qaqpa.errors import UsageError
from qaqpa.evidence.keys import SigningKey
from qaqpa.evidence.kinds import WAIVER, kind
from qaqpa.evidence.parties import Parties
from qaqpa.evidence.verify import MAX_WAIVER
from qaqpa.gate import open_engine
from qaqpa.model import Stage
from qaqpa.policy.bundle import Catalog
from qaqpa.report.texts import Texts

_CATEGORIES = ("waiver", "mitigated")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument("--model", required=True, metavar="TARGET", help="models:/name/7, or a directory with model/")
    parser.add_argument(
        "--control", required=True, action="append", metavar="ID", help="control to waive, such as TRN-01; repeatable"
    )
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why")
    parser.add_argument("--ticket", required=True, metavar="TEXT", help="where it was asked for and discussed")
    parser.add_argument("--requested-by", required=True, metavar="PARTY", help="party id of whoever asks for it")
    parser.add_argument(
        "--category",
        choices=_CATEGORIES,
        default="waiver",
        help="left open (waiver), or met by other means (mitigated)",
    )
    parser.add_argument(
        "--compensating", action="append", default=[], metavar="TEXT", help="measure that stands in; repeatable"
    )
    parser.add_argument(
        "--days", required=True, type=int, metavar="N", help=f"how long it lasts, at most {MAX_WAIVER.days} days"
    )
    parser.add_argument(
        "--stage", choices=[stage.value for stage in Stage], default="production", help="production by default"
    )
    add_key_arguments(parser)
    add_delivery(parser)
    add_config(parser)
    add_registry(parser)


def run(args: argparse.Namespace) -> int:
    """Makes the waiver, signs it, and attaches or writes it.

    Raises:
        QaqpaError: a control cannot be waived, the waiver would last too long, or the model cannot be read.
    """
    now = times.now()
    if not 1 <= args.days <= MAX_WAIVER.days:
        required = f"a whole number from 1 to {MAX_WAIVER.days}"
        raise UsageError(f"A waiver cannot last {args.days} days", where="--days", required=required)
    if args.category == "mitigated" and not args.compensating:
        raise UsageError("What is mitigated needs a measure that stands in", where="--compensating")
    check_delivery(args)
    config = load_config(args.config)
    controls = _controls(args.control, open_engine(config).catalog)
    keys = signers_of(args)
    parties = parties_for(config, args.model, now)
    _check_requester(args.requested_by, keys, parties)
    content = _content(args, controls)
    target = read_target(args.model, args.registry_uri)
    held = context_of(target, parties, now)
    warn_unsigned_context(held)
    payload = statement_about(
        target, kind(WAIVER), content, held, now, expires=now + timedelta(days=args.days), stage=Stage(args.stage)
    )
    text, where = deliver(args, signed_text(payload, keys, None))
    print(f"waives {', '.join(controls)} for {args.days} days")
    tell(target, text, where, held, parties, now, made=len(keys))
    return 0


def _controls(named: Sequence[str], catalog: Catalog) -> list[str]:
    """The controls by their ids, each once.

    Raises:
        UsageError: one does not exist, or must not be waived.
    """
    for control in named:
        card = catalog.controls.get(control)
        if card is None:
            found = f"There is no control {control!r}; a waiver names each control"
            raise UsageError(found, where="--control", required=f"one of {', '.join(sorted(catalog.controls))}")
        if not card["waivable"]:
            texts = Texts(catalog)
            found = f"{control} ({texts.title(control)}) must not be waived: {texts.requirement(control)}"
            raise UsageError(found, where="--control", mend=texts.mend(control))
    return list(dict.fromkeys(named))


def _check_requester(requester: str, keys: Sequence[SigningKey], parties: Parties | None) -> None:
    """A mistyped id would let whoever asked sign it too."""
    if parties is None:
        return
    if requester not in parties.persons:
        mend = "`qaqpa parties show` lists them"
        raise UsageError(f"There is no party {requester!r}", where="--requested-by", mend=mend)
    for key in keys:
        owner = parties.key_owner(key.key_id)
        if owner and owner[0].id == requester:
            found = f"The key {key.key_id} is one of {requester}, who asks for the waiver"
            raise UsageError(found, where="--key", required="a key of a risk owner who does not ask for it")


def _content(args: argparse.Namespace, controls: Sequence[str]) -> dict[str, Any]:
    content = {
        "kind": WAIVER,
        "controls": list(controls),
        "category": args.category,
        "reason": args.reason,
        "ticket": args.ticket,
        "requested_by": args.requested_by,
    }
    if args.compensating:
        content["compensating"] = list(args.compensating)
    if not kind(WAIVER).fits(content):
        required = "1 to 50 controls, a reason, a ticket and a party; texts with 1 to 4000 characters"
        raise UsageError("The waiver does not fit its schema", required=required)
    return content
