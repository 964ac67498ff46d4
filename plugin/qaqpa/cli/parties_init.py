# SPDX-License-Identifier: Apache-2.0
"""`qaqpa parties init`: asks who is who, or takes it from options, and writes a commented parties file."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from qaqpa import times
from qaqpa.cli.parties_template import Entry, text_of
from qaqpa.documents import DocumentError, load_schema, parse_yaml
from qaqpa.errors import UsageError
from qaqpa.escape import visible
from qaqpa.evidence.keys import MAX_KEY_BYTES, openssh, read_public_key
from qaqpa.evidence.parties import parse_parties
from qaqpa.evidence.trust import MAX_LIFE

_DEFAULT_DAYS = 60
_LINE = ("ssh-", "ecdsa-")
_FIELDS = ("id", "unit", "roles", "disciplines", "key", "login")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument(
        "--root", action="append", default=[], metavar="KEY", help="public root key, its line or file; repeatable"
    )
    parser.add_argument(
        "--party",
        action="append",
        default=[],
        metavar="FIELDS",
        help="a person: id=ana,unit=audit,roles=auditor+dpo,disciplines=law,key=ana.pub,login=ana; repeatable",
    )
    parser.add_argument(
        "--days",
        type=int,
        default=_DEFAULT_DAYS,
        metavar="N",
        help=f"days until the file ends, {_DEFAULT_DAYS} by default, at most {MAX_LIFE.days}",
    )


def run(args: argparse.Namespace) -> int:
    """Writes the file, and says what comes next.

    Raises:
        UsageError: the file exists, an answer or an option is wrong, or something is missing and nobody can be asked.
    """
    path = Path(args.file)
    if not 1 <= args.days <= MAX_LIFE.days:
        raise UsageError(f"{args.days} days are not possible", where="--days", required=f"1 to {MAX_LIFE.days}")
    if path.exists() or path.is_symlink():
        raise UsageError("The file exists already", where=str(path), mend="Name another one")
    roots = [_public_line(value, "--root") for value in args.root]
    persons = [_party(value) for value in args.party]
    if not (roots and persons):
        if not sys.stdin.isatty():
            raise UsageError(
                "There is no terminal to ask who is who", required="--root and --party, each at least once"
            )
        roots, persons = roots or _ask_roots(), persons or _ask_persons()
    now = times.now()
    text = text_of(roots, persons, now, now + timedelta(days=args.days))
    try:
        parties = parse_parties(parse_yaml(text, str(path)))
    except DocumentError as error:
        raise UsageError(f"What was given makes no parties file:\n{error.found}", required=error.required) from error
    _write(path, text)
    shown = visible(path, len(str(path)))
    print(f"Wrote {shown}: persons {len(parties.persons)}, rules {len(parties.rules)}.")
    print("Next: read it, change what does not fit, and have root keys sign it:")
    print(f"  qaqpa parties check {shown}")
    print(f"  qaqpa parties sign {shown} --key ROOT")
    return 0


def _party(text: str) -> Entry:
    entry = Entry()
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if not equals or name not in _FIELDS or not value:
            raise UsageError(
                f"{part[:100]!r} is no field of a person",
                where="--party",
                required=f"NAME=VALUE with {', '.join(_FIELDS)}",
            )
        if name == "key":
            entry.keys.append(_public_line(value, "--party"))
        elif name == "login":
            entry.logins.append(value)
        elif name in {"roles", "disciplines"}:
            getattr(entry, name).extend(value.split("+"))
        else:
            setattr(entry, name, value)
    if not entry.id or not entry.unit:
        raise UsageError(f"{text[:100]!r} names no id or no unit", where="--party", required="id=… and unit=…")
    return entry


def _public_line(value: str, where: str) -> str:
    """A public key as one line, from such a line or from a file."""
    text = value
    if not value.startswith(_LINE):
        try:
            with Path(value).open("rb") as file:
                text = file.read(MAX_KEY_BYTES + 1).decode("utf-8", errors="replace")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise UsageError(f"The key cannot be read ({reason})", where=f"{where} {value}") from error
    try:
        return openssh(read_public_key(text))
    except ValueError as error:
        mend = "Name the file that ends in .pub" if "PRIVATE KEY" in text else ""
        raise UsageError(f"No public key can be read: {error}", where=f"{where} {value[:100]}", mend=mend) from error


@dataclass
class _Question:
    """A question, and what is wrong with an answer; an empty answer is always possible."""

    text: str
    wrong: Callable[[str], str] = field(default=lambda _answer: "")

    def ask(self) -> str:
        while True:
            answer = input(f"{self.text} ").strip()
            wrong = self.wrong(answer) if answer else ""
            if not wrong:
                return answer
            print(f"  {visible(wrong)}")


def _ask_roots() -> list[str]:
    print("Root keys sign the parties file. One per line, as a file (.pub) or a line of OpenSSH; Enter ends the list.")
    return _several(lambda: _Question("Root key:", _wrong_key).ask(), lambda value: _public_line(value, "root key"))


def _ask_persons() -> list[Entry]:
    print("Persons who sign evidence, one after the other; Enter instead of an id ends the list.")
    return _several(lambda: _Question("Id, such as ana:", _wrong_name).ask(), _ask_person)


def _several(ask: Callable[[], str], take: Callable[[str], Any]) -> list[Any]:
    """What was answered until Enter; at least one."""
    found: list[Any] = []
    while True:
        answer = ask()
        if answer:
            found.append(take(answer))
        elif found:
            return found
        else:
            print("  At least one, please.")


def _ask_person(person_id: str) -> Entry:
    roles = load_schema("parties")["$defs"]["roles"]["items"]["enum"]
    unit = ""
    while not unit:
        unit = _Question("  Unit, such as audit:", _wrong_name).ask()
    held = _Question(f"  Roles, with + between ({', '.join(roles)}):", lambda answer: _wrong_words(answer, roles)).ask()
    disciplines = _Question("  Disciplines, with + between, such as law+psychology:", _wrong_discipline).ask()
    key = _Question("  Public key, a file (.pub) or a line:", _wrong_key).ask()
    login = _Question("  Login at the MLflow server:").ask()
    return Entry(
        id=person_id,
        unit=unit,
        roles=_words(held),
        disciplines=_words(disciplines),
        keys=[_public_line(key, "key")] if key else [],
        logins=[login] if login else [],
    )


def _words(answer: str) -> list[str]:
    return [word.strip() for word in answer.split("+") if word.strip()]


def _wrong_key(answer: str) -> str:
    try:
        _public_line(answer, "key")
    except UsageError as error:
        return str(error)
    return ""


def _wrong_name(answer: str) -> str:
    pattern = load_schema("parties")["$defs"]["name"]["pattern"]
    return "" if re.search(pattern, answer) else "Small letters, digits and . _ @ -, at most 64, please."


def _wrong_words(answer: str, allowed: Iterable[str]) -> str:
    unknown = [word for word in _words(answer) if word not in allowed]
    return f"There is no role {unknown[0]!r}." if unknown else ""


def _wrong_discipline(answer: str) -> str:
    pattern = load_schema("parties")["$defs"]["disciplines"]["items"]["pattern"]
    odd = [word for word in _words(answer) if not re.search(pattern, word)]
    return f"{odd[0]!r}: small letters, digits and _, please." if odd else ""


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise UsageError("The file exists already", where=str(path), mend="Name another one") from error
    except OSError as error:
        raise UsageError(f"The file cannot be written ({error.strerror})", where=str(path)) from error
