# SPDX-License-Identifier: Apache-2.0
"""`qaqpa init`: a commented configuration, a context and evidence templates for one system."""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from qaqpa.cli.fields import Field, fields, note, readers, resolved
from qaqpa.config import DEFAULT_PROFILE
from qaqpa.errors import UsageError
from qaqpa.evidence.kinds import NO_EVIDENCE, SYSTEM, Kind, kind, kinds
from qaqpa.model import JsonObject
from qaqpa.policy.bundle import Catalog, load_bundle
from qaqpa.report.texts import Texts

_QUESTIONS = (
    ("name", "Name of the registered model", "my-model"),
    ("title", "What the system is, in a few words", "My system"),
    ("domain", "Field of use", "other"),
    ("automation", "How far it decides without a person", ""),
    ("jurisdictions", "Where it is used (KZ, EU, OTHER; several with a comma)", ""),
    ("affects_rights", "Does it affect rights or freedoms of persons", ""),
    ("significant_decision", "Does it take part in legally or socially important decisions about persons", ""),
    ("personal_data", "Are personal data used", ""),
    ("public_sector", "Does a state body operate or adopt it", ""),
)

_CONFIG = """\
# Configuration of Qaqpa. Remove a # to change a setting; what stands behind it is an example.
version: 1

gates:
  # What stands for production: moving one of these aliases, or this MLflow stage, needs an allow.
  - stage: production
    aliases: [production, champion]
    mlflow_stages: [Production]
    # models: ["*"]              # registered models whose aliases and stages are meant
    # names: ["prod.*"]          # registered models in which every version is in production
    profiles: [{profiles}]  # all that are named are asked; `qaqpa profiles` lists them
    # minimum_strength: declared # declared < signed < independent

# engine: embedded               # or: opa
# opa:
#   url: http://127.0.0.1:8181
#   timeout_seconds: 2
#   token_file: opa.token        # bearer token
#   ca_file: ca.pem              # authority of the server's certificate

# policy: compiled               # made by `qaqpa policy build`; the shipped policies where left out

# Whose signatures count; `qaqpa parties init` and `qaqpa parties sign` make the file. Without it nobody's does.
# parties:
#   file: parties.signed.json
#   roots: ["SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]  # root keys, as `qaqpa keys show` prints them
#   threshold: 1                 # how many of them must have signed it
#   minimum_version: 1           # lowest version of the file that counts
# separation_of_duties: when_known  # or: required, off; whoever asks for production is not the only one who signed

# Bring a live registry under the gate step by step: recorded and shown, not enforced, at most 90 days.
# observe:
#   - models: ["legacy-*"]
#     until: 2026-12-31

# Thresholds; `qaqpa explain CONTROL` lists them. One that is law can only be tightened.
# thresholds:
#   TRN-01: {{max_age_days: 180}}

# What a profile would only warn of, and is to deny here: a control, or one violation with its code.
# raise: [HOV-02, TRN-02/comprehension_low]

# Which code belongs to which model, for `qaqpa check --base`; all paths from the top of the repository.
# review: {{code: {{governance/credit: ["src/credit/**", train.py]}}}}

# What `qaqpa check --verdict DIR` says of this gate in the verdicts that it signs.
# verdict:
#   verifier: urn:qaqpa:gate:v1  # the name of this gate; a URI
#   registry: https://mlflow.example.org  # the name of the registry; a URI, never asked
#   days: 30                     # longest time that a verdict lasts, 1 to 90
#   key: gate.key                # private key of the gate, ECDSA P-256; or --gate-key FILE

# Where decisions are kept, and the key that signs them; by default a file of this machine.
# log:
#   url: postgresql+psycopg2://gate@db/decisions
#   key: gate.key

# What one user may cost a server, how it writes its lines, and where it serves metrics; by default nowhere.
# limits:
#   refusals_per_minute: 30
# logging: text                  # or: json
# metrics:
#   listen: 127.0.0.1:9095

# artifact_roots: [artifacts]    # local directories below which the server may read model files
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.epilog = f"example: qaqpa init systems/credit --model credit; {parser.epilog}"
    parser.add_argument("directory", nargs="?", default=".", metavar="DIR", help="where to write; here by default")
    parser.add_argument("--model", metavar="NAME", help="name of the registered model")


def run(args: argparse.Namespace) -> int:
    """Asks on a terminal, writes the files, and says what comes next.

    Raises:
        UsageError: a file is there already, or cannot be written.
    """
    base = Path(args.directory)
    answers = _ask(args.model)
    values = _context_values(answers)
    profiles = _proposed(values.get("jurisdictions", ()))
    files = {
        base / "qaqpa.yaml": _CONFIG.format(profiles=", ".join(profiles)),
        base / "context.yaml": template(kind(SYSTEM), values),
        **{
            base / "evidence-templates" / f"{own.name}.yaml": template(own, {})
            for own in kinds().values()
            # The context has a file of its own; exceptions and withdrawals are made when somebody needs them.
            if own.name not in NO_EVIDENCE
        },
    }
    _write(files)
    print(f"Wrote {len(files)} files to {base}/")
    if not sys.stdin.isatty():
        print("No question was asked: what context.yaml leaves out counts as the strictest value.")
    print(f"Proposed profiles: {', '.join(profiles)} (`qaqpa profiles` lists all)")
    print("Next: copy what you have from evidence-templates/ to evidence/, fill it in, and run")
    print(f"  qaqpa check {base} --config {base / 'qaqpa.yaml'}")
    print("That is a review. Before staging or production, or a parties file, move qaqpa.yaml out of the directory:")
    print("whoever writes the evidence must not write the rules too.")
    return 0


def _proposed(places: Iterable[str]) -> list[str]:
    """What the article asks, and for each place the profiles of its law."""
    catalog = load_bundle().catalog
    claimed = [profile for place in places for profile in catalog.claiming(place)]
    return list(dict.fromkeys([DEFAULT_PROFILE, *claimed]))


def template(own: Kind, values: JsonObject) -> str:
    """A commented YAML file of a kind. Fields without a value are commented out.

    Args:
        own: the kind.
        values: what is known already.
    """
    texts = Texts(load_bundle().catalog)
    known = list(fields(own))
    lines = [*_comment(f"{own.title}. {own.schema['description']}"), *_head(own, texts.catalog), f"kind: {own.name}"]
    for field in known:
        if len(field.path) > 1:
            continue
        name = field.name
        lines += ["", *_comment(f"{field.schema['description']} ({note(field, own, texts)})")]
        lines += [line for part in known if part.path[0] in {name, f"{name}[]"} for line in _values(part, texts)]
        given = json.dumps(values[name] if name in values else _example(field.schema, own), ensure_ascii=False)
        lines += [f"{name}: {given}"] if name in values else _commented(name, given)
    return "\n".join(lines) + "\n"


def _commented(name: str, given: str) -> list[str]:
    """A field that is commented out; what is long goes on in lines that are uncommented with it."""
    wrapped = textwrap.wrap(f"{name}: {given}", 116, subsequent_indent="    ", break_long_words=False)
    return [f"# {line}" for line in wrapped]


def _head(own: Kind, catalog: Catalog) -> list[str]:
    if own.name == SYSTEM:
        return _comment(
            "A field that is given can only loosen what applies: uncomment it only if it is true. The value behind it "
            "is an example."
        )
    return _comment(
        f"Read by {', '.join(readers(own, catalog))}. A field that a control asks for, a few of them in certain cases "
        f"only, may be missing in the file, but not for the control; `qaqpa explain {own.name}` says more. The values "
        "are examples."
    )


def _values(field: Field, texts: Texts) -> list[str]:
    """The values that a field may have, by name where the field stands inside another."""
    name, values = f"{field.name}: " if len(field.path) > 1 else "", field.values(texts)
    return _comment(f"{name}{values}", "#   ") if values else []


def _comment(text: str, start: str = "# ") -> list[str]:
    return textwrap.wrap(
        text, 120, initial_indent=start, subsequent_indent=start, break_long_words=False, break_on_hyphens=False
    )


def _example(schema: JsonObject, own: Kind) -> Any:
    """A value of the right shape, to be replaced."""
    schema = resolved(schema, own)
    if "enum" in schema:
        return schema["enum"][0]
    kind_of_value = schema.get("type")
    if kind_of_value == "object":
        return {name: _example(child, own) for name, child in schema["properties"].items()}
    if kind_of_value == "array":
        return [_example(schema["items"], own)]
    if kind_of_value == "boolean":
        return True
    if kind_of_value in {"integer", "number"}:
        return schema.get("minimum", 0)
    return "2026-01-31" if schema.get("format") == "date" else "…"


def _ask(model: str | None) -> dict[str, str]:
    defaults = {"name": model or "my-model", "title": "My system"}
    if not sys.stdin.isatty():
        return defaults
    print("A few questions; Enter leaves a field out, and it then counts as the strictest value.")
    answers = {}
    for field, question, default in _QUESTIONS:
        if field == "name" and model:
            answers[field] = model
            continue
        allowed = _allowed(field)
        hint = f" [{', '.join(allowed)}]" if allowed else f" [{default}]" if default else ""
        answers[field] = _answer(f"{question}?{hint} ", allowed if field != "jurisdictions" else [], default)
    return {**defaults, **{field: answer for field, answer in answers.items() if answer}}


def _answer(prompt: str, allowed: list[str], default: str) -> str:
    while True:
        answer = input(prompt).strip() or default
        if not answer or not allowed or answer in allowed:
            return answer
        print(f"  One of {', '.join(allowed)}, please.")


def _allowed(field: str) -> list[str]:
    schema = kind(SYSTEM).schema["properties"].get(field, {})
    if schema.get("type") == "boolean":
        return ["yes", "no"]
    found: list[str] = schema.get("enum") or []
    return found


def _context_values(answers: dict[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {
        "system_id": secrets.token_hex(16),
        "version": 1,
        "title": answers["title"],
        "models": [{"name": answers["name"]}],
    }
    for field, answer in answers.items():
        if _allowed(field) == ["yes", "no"]:
            values[field] = answer == "yes"
        elif field == "jurisdictions":
            places = [place.strip().upper() for place in answer.split(",")]
            unknown = [place for place in places if place not in {"KZ", "EU", "OTHER"}]
            if unknown:
                raise UsageError(f"There is no jurisdiction {unknown[0]!r}", required="KZ, EU or OTHER")
            values[field] = places
        elif field in {"domain", "automation"}:
            values[field] = answer
    return values


def _write(files: dict[Path, str]) -> None:
    """Writes all files or none: nothing that exists is replaced."""
    for path in files:
        if path.exists() or path.is_symlink():
            raise UsageError("The file exists already", where=str(path), mend="Name another directory")
    written: list[Path] = []
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                written.append(path)
                file.write(text)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise UsageError(f"A file cannot be written ({error.strerror})", where=str(error.filename)) from error
