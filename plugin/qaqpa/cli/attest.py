# SPDX-License-Identifier: Apache-2.0
"""`qaqpa attest`: turns an evidence file into a statement about one model, and attaches it to the registry."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime, timedelta
from pathlib import Path

from qaqpa import times
from qaqpa.cli.common import MODELS, Target, add_registry, read_target, registry
from qaqpa.errors import UsageError
from qaqpa.evidence.carriers import tag_key
from qaqpa.evidence.collect import collect
from qaqpa.evidence.directory import read_draft
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.kinds import SYSTEM, Kind, kind
from qaqpa.evidence.statement import make_statement
from qaqpa.model import JsonObject, Stage
from qaqpa.report.escape import visible


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument("kind", metavar="KIND", help="kind of evidence, such as audit")
    parser.add_argument("file", metavar="FILE", help="evidence file, YAML or JSON")
    parser.add_argument("--model", required=True, metavar="TARGET", help="models:/name/7, or a directory with model/")
    parser.add_argument(
        "--expires", metavar="DATE", help="last day of the statement, or the time with zone at which it ends"
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="take away what was declared before of the same kind; all of a kind counts",
    )
    parser.add_argument("--output", metavar="PATH", help="write the statement to this file instead of the registry")
    add_registry(parser)


def run(args: argparse.Namespace) -> int:
    """Makes the statement, and attaches or writes it.

    Raises:
        QaqpaError: the file does not fit its schema, the model cannot be read, or what the kind binds is missing.
    """
    own = kind(args.kind)
    draft = read_draft(args.file, own.name)
    if not args.output and not args.model.startswith(MODELS):
        raise UsageError("A statement about a directory needs a place", where="--model", mend="Add --output PATH")
    now = times.now()
    expires = _expires(args.expires, now)
    target = read_target(args.model, args.registry_uri)
    payload = _statement(own, draft.value, target, now, expires)
    if args.output:
        _write(Path(args.output), payload)
        print(f"{visible(args.output)}: statement of kind {own.name} about {visible(target.subject.name)}")
        return 0
    key = tag_key(own, payload)
    where = registry().attach(
        args.model, key, payload.decode(), bound_to_system=own.carried_by_system, registry_uri=args.registry_uri
    )
    about = f"{where} {visible(target.subject.name)}"
    if where == "version":
        about = f"{visible(target.subject.name)} version {target.subject.version}"
    print(f"attached {own.name} to {about} as {key} (declared: nobody signed it)")
    _earlier(args, own, target, key)
    return 0


def _earlier(args: argparse.Namespace, own: Kind, target: Target, key: str) -> None:
    """Takes earlier statements of the kind away where that was asked, else says that they count too."""
    earlier = sorted({piece.tag for piece in target.carried if piece.kind == own.name and piece.tag not in {"", key}})
    if args.replace:
        for tag in earlier:
            registry().detach(args.model, tag, registry_uri=args.registry_uri)
            print(f"took away {visible(tag)}")
    elif earlier:
        print(
            f"qaqpa: {len(earlier)} earlier statement(s) of this kind count too, and the worst decides; "
            "--replace takes them away",
            file=sys.stderr,
        )


def _statement(own: Kind, content: JsonObject, target: Target, now: datetime, expires: datetime | None) -> bytes:
    subject = target.subject
    if own.name == SYSTEM and all(model["name"] != subject.name for model in content["models"]):
        raise UsageError(
            f"The context does not name the registered model {subject.name}", required="its name under `models`"
        )
    # A directory's own context is a draft, and counts for what is attested beside it.
    stage = Stage.PRODUCTION if target.in_registry else Stage.REVIEW
    context = collect(target.carried, subject, stage, now).context_digest
    try:
        return make_statement(
            own,
            content,
            registered_model=subject.name,
            model_digest=subject.digest,
            context_digest=context,
            issued_at=now,
            expires_at=expires,
        )
    except StatementError as error:
        mend = "Attest the context first: qaqpa attest system context.yaml --model …"
        raise UsageError(error.detail, where=own.name, mend=mend if error.code == "context_missing" else "") from error


def _expires(text: str | None, now: datetime) -> datetime | None:
    if text is None:
        return None
    try:
        moment = times.parse(text)
    except ValueError as error:
        raise UsageError(str(error), where="--expires") from error
    if "T" not in text:
        # A day counts to its end.
        moment += timedelta(days=1)
    if moment <= now:
        raise UsageError(f"{text} lies in the past", where="--expires")
    return moment


def _write(path: Path, payload: bytes) -> None:
    try:
        with path.open("xb") as file:
            file.write(payload)
    except FileExistsError as error:
        raise UsageError("The file exists already", where=str(path), mend="Name another one") from error
    except OSError as error:
        raise UsageError(f"The statement cannot be written ({error.strerror})", where=str(path)) from error
