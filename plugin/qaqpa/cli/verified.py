# SPDX-License-Identifier: Apache-2.0
"""Says what came of a verification: a few lines, or JSON as `schemas/verification.json` describes it."""

from __future__ import annotations

import argparse
import json

from qaqpa import __version__, times
from qaqpa.cli.deploying import Bytes
from qaqpa.errors import UndecidedError
from qaqpa.escape import visible
from qaqpa.model import Json, JsonObject
from qaqpa.record.reading import SignedVerdict
from qaqpa.record.summary import resource_uri
from qaqpa.record.verify import Verification

_SCHEMA = "urn:qaqpa:schema:verification:v1"


def print_result(args: argparse.Namespace, found: Bytes | None, result: Verification) -> None:
    """Prints what came of it.

    Args:
        args: target, format and destination.
        found: the bytes; None where the verdict was refused before any was read.
        result: what was found.
    """
    digest = found.digest if found else None
    if args.format == "json":
        _print_json(args.target, "allow" if result.holds else "deny", digest, result, "")
        return
    print(f"{'VERIFIED' if result.holds else 'REFUSED'}  {visible(args.target)}")
    for line in result.unmet:
        print(f"  ✗ {line.requirement}: {visible(line.found, 2000)}")
        print(f"    required: {visible(line.required, 2000)}")
    if result.verdict:
        for name, value in _lines(result.verdict):
            print(f"  {name:<12} {visible(value, 2000)}")
    print(f"  {'digest':<12} {digest or 'not looked at'}")
    if args.into and result.holds:
        print(f"  {'files':<12} {visible(args.into)}")
    elif args.into:
        print(f"  {visible(args.into)} was not made.")


def print_undecided(target: str, error: UndecidedError) -> None:
    """Prints as JSON that nothing could be verified, and why."""
    _print_json(target, "undecided", None, Verification(()), str(error))


def _lines(verdict: SignedVerdict) -> list[tuple[str, str]]:
    model = verdict.model
    ends = f"{times.render(verdict.expires)} ({verdict.ends_with})" if verdict.expires else "at once: it failed"
    waived = [f"{one.control} until {times.render(one.until)}" for one in verdict.waived]
    return [
        ("model", f"{model.name}{f' version {model.version}' if model.version else ''}, for {verdict.stage.value}"),
        ("profiles", ", ".join(own.id for own in verdict.profiles)),
        ("waivers", ", ".join(waived) or "none"),
        ("decided", f"{times.render(verdict.verified)} by {verdict.verifier}"),
        ("ends", ends),
        ("signed by", verdict.signer),
    ]


def _print_json(target: str, outcome: str, digest: str | None, result: Verification, reason: str) -> None:
    document = {
        "schema": _SCHEMA,
        "qaqpa": __version__,
        "outcome": outcome,
        "target": visible(target, 2000),
        "digest": digest,
        "reason": visible(reason, 2000),
        "unmet": [
            {"requirement": one.requirement, "found": visible(one.found, 2000), "required": visible(one.required, 2000)}
            for one in result.unmet
        ],
        "verdict": _verdict(result.verdict) if result.verdict else None,
    }
    print(json.dumps(document, indent=2, ensure_ascii=False))


def _verdict(verdict: SignedVerdict) -> JsonObject:
    found: dict[str, Json] = {
        "result": "PASSED" if verdict.passed else "FAILED",
        "decision": verdict.decision,
        "digest": verdict.digest,
        "resource_uri": resource_uri(verdict.model, verdict.stage),
        "context": verdict.context,
        "signer": verdict.signer,
        "verifier": verdict.verifier,
        "versions": dict(verdict.versions),
        "verified": times.render(verdict.verified),
        "expires": times.render(verdict.expires) if verdict.expires else None,
        "ends_with": verdict.ends_with,
        "policy": verdict.policy,
        "strength": verdict.strength.value if verdict.strength else None,
        "profiles": {own.id: own.sha256 for own in verdict.profiles},
        "configuration": verdict.configuration,
        "parties": verdict.parties,
        "waivers": [{"control": one.control, "until": times.render(one.until)} for one in verdict.waived],
    }
    return {name: visible(value, 20_000) if isinstance(value, str) else value for name, value in found.items()}
