# SPDX-License-Identifier: Apache-2.0
"""Overrides that were used, as the decision log has them, and whether somebody looked back: all, or one row."""

from __future__ import annotations

import argparse
import json
from datetime import datetime

from rich.text import Text

from qaqpa import times
from qaqpa.cli.common import console
from qaqpa.cli.logged import database_of, review_of, signers_of, to_the_minute
from qaqpa.escape import visible
from qaqpa.model import Json, JsonObject
from qaqpa.record.log.listing import used
from qaqpa.record.log.uses import GONE, Use

_MOST_TEXT = 4000


def show(args: argparse.Namespace) -> int:
    """Prints them, newest first.

    Raises:
        QaqpaError: there is no log, or it cannot be read.
    """
    now = times.now()
    found = [use for use in used(database_of(args))[::-1] if args.model in {None, use.entry.fields.get("model")}]
    if args.format == "json":
        document = {"schema": "urn:qaqpa:schema:overrides:v1", "now": times.render(now)}
        print(json.dumps({**document, "overrides": [_as_json(use, now) for use in found]}, indent=2, sort_keys=True))
        return 0
    out = console()
    if not found:
        out.print("No override was used.")
        return 0
    for use in found:
        fields = use.entry.fields
        model = f"{fields.get('model')} {fields.get('version', '')}".strip()
        head = (f"row {use.entry.seq}", f"{to_the_minute(use.entry.at)} UTC", model, fields.get("stage"))
        out.print(
            Text(f"{'  '.join(map(visible, head))}  {visible(fields.get('verdict'))}, OVERRIDDEN"), soft_wrap=True
        )
        lines = {
            "ticket": use.ticket,
            "signed by": signers_of(use),
            "override": use.sha256,
            "review": review_of(use, now),
        }
        for name, value in lines.items():
            out.print(Text(f"  {name:10}  {visible(value)}"), soft_wrap=True)
    return 0


def show_row(args: argparse.Namespace, use: Use, review: JsonObject) -> None:
    """Prints one use: who signed what for which bytes, until when, who used it for what, and what its review says.

    Args:
        args: of the command.
        use: what the log has of it.
        review: what was said in its review; empty where there is none, or it was erased.
    """
    now, fields, out = times.now(), use.entry.fields, console()
    if args.format == "json":
        shown = {"schema": "urn:qaqpa:schema:override-use:v1", **_as_json(use, now), "review_about": review}
        print(json.dumps(shown, indent=2, sort_keys=True))
        return
    signed = ", ".join(f"{signer} ({unit})" for signer, unit in use.signers)
    lines: dict[str, Json] = {
        "row": f"{use.entry.seq}, an override was used",
        "time": use.entry.at,
        "model": f"{fields.get('model')} {fields.get('version', '')}".strip(),
        "stage": fields.get("stage"),
        "model digest": fields.get("digest"),
        "context digest": fields.get("context"),
        "override": use.sha256,
        "signed by": signed or GONE,
        "ticket": use.ticket,
        "reason": use.about.get("reason") or GONE,
        "could be used": f"until {fields.get('ends')}, once",
        "used by": _user(use),
        "for": use.about.get("action") or GONE,
        "let through": ", ".join(f"row {number}, {fields.get('verdict')}" for number in use.decisions),
        "review": review_of(use, now),
        **_reviewed(use, review),
    }
    for name, value in lines.items():
        out.print(Text(f"{name:14} {visible(value, _MOST_TEXT)}"), soft_wrap=True)


def _user(use: Use) -> Json:
    if not use.about:
        return GONE
    return use.about.get("user") or "somebody not logged in"


def _reviewed(use: Use, review: JsonObject) -> dict[str, Json]:
    """What a review says, for people; nothing where there is none."""
    if use.review is None:
        return {}
    signers = ", ".join(f"{signer} ({unit})" for signer, unit in review.get("signers") or [])
    measures = {f"measure {number}": text for number, text in enumerate(review.get("measures") or [], 1)}
    return {
        "reviewed": use.review.at,
        "reviewed by": signers or GONE,
        "learnt": review.get("learnt") or GONE,
        **measures,
    }


def _as_json(use: Use, now: datetime) -> dict[str, Json]:
    fields = {name: value for name, value in use.entry.fields.items() if name not in {"content", "start"}}
    review = use.review
    return {
        **fields,
        "row": use.entry.seq,
        "at": use.entry.at,
        "about": dict(use.about),
        "review": {"row": review.seq, "at": review.at, **review.fields} if review else None,
        "overdue": use.is_overdue(now),
    }
