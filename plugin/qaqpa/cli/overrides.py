# SPDX-License-Identifier: Apache-2.0
"""`qaqpa override list`: which overrides were used, by the decision log, and whether somebody looked back at them."""

from __future__ import annotations

import argparse
import json
from datetime import datetime

from rich.text import Text

from qaqpa import times
from qaqpa.cli.common import console
from qaqpa.cli.logged import database_of, review_of, signers_of, to_the_minute
from qaqpa.escape import visible
from qaqpa.model import Json
from qaqpa.record.log.listing import used
from qaqpa.record.log.uses import Use


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
