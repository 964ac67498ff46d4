# SPDX-License-Identifier: Apache-2.0
"""`qaqpa verify`: whether a signed verdict holds for the bytes that are to be served. Offline, without an engine."""

from __future__ import annotations

import argparse
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from qaqpa import times
from qaqpa.cli import verified
from qaqpa.cli.bounded import Limits, add_limits
from qaqpa.cli.deploying import Bytes, fetched, in_place
from qaqpa.cli.lazily import MODELS
from qaqpa.cli.public_keys import read_gate_key
from qaqpa.errors import ExitCode, UndecidedError, UsageError
from qaqpa.escape import visible
from qaqpa.evidence.keys import fingerprint
from qaqpa.model import Stage, Strength
from qaqpa.record.reading import read_envelope
from qaqpa.record.requirements import Requirements, read_requirements
from qaqpa.record.verify import Verification, refused_early, verify

_AGE = re.compile("([1-9][0-9]{0,3})([dh])", re.ASCII)
_FIELDS = {"keys": "gate_keys", "max_age": "max_age_hours"}
_SIGNALLED = 128
_DIGEST = re.compile("[0-9a-f]{64}", re.ASCII)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument("target", metavar="TARGET", help="directory of the model's files, or models:/name/7")
    parser.add_argument("--verdict", required=True, metavar="FILE", help="verdict.dsse.json or verdict.sigstore.json")
    parser.add_argument("--into", metavar="DIR", help="fetch the files once into DIR, which exists only if all holds")
    parser.add_argument("--require", metavar="FILE", help="requirements, YAML; no option may contradict them")
    needed = parser.add_argument_group("what the verdict must say (all three, here or in FILE)")
    needed.add_argument(
        "--gate-key", action="append", metavar="PUB", help="public key of the gate; repeatable, one must have signed"
    )
    needed.add_argument("--profile", action="append", metavar="ID", help="profile that must have passed; repeatable")
    needed.add_argument("--model", metavar="NAME", help="the registered model; or --context")
    more = parser.add_argument_group("more that it must say")
    more.add_argument("--context", metavar="DIGEST", help="the context digest of the system")
    more.add_argument("--stage", choices=["staging", "production"], help="production by default")
    more.add_argument(
        "--minimum-strength", choices=[one.value for one in Strength], help="of all its evidence; any by default"
    )
    more.add_argument("--verifier", metavar="URI", help="what the gate calls itself; urn:qaqpa:gate:v1 by default")
    more.add_argument("--workspace", metavar="NAME", help="workspace of the model; default by default")
    more.add_argument("--model-version", metavar="N", help="version of the model; any by default")
    more.add_argument("--registry", metavar="URI", help="what the gate calls the registry; any by default")
    more.add_argument(
        "--policy", action="append", metavar="DIGEST", help="policies that may have decided; repeatable, any by default"
    )
    more.add_argument("--configuration", metavar="DIGEST", help="settings that decided; any by default")
    more.add_argument("--max-age", metavar="AGE", help="how old it may be, such as 12h or 7d; until its end by default")
    waivers = more.add_mutually_exclusive_group()
    waivers.add_argument(
        "--allow-waiver", action="append", metavar="CONTROL", help="control that a waiver may excuse; repeatable"
    )
    waivers.add_argument("--allow-waivers", action="store_true", help="any control may be excused; none by default")
    parser.add_argument("--registry-uri", metavar="URI", help="MLflow registry; MLflow's own settings by default")
    add_limits(parser)
    parser.add_argument("--format", choices=["text", "json"], default="text", help="text by default")


def run(args: argparse.Namespace) -> int:
    """Verifies, says what came of it, and returns 0 only if every requirement is met.

    Raises:
        UsageError: a requirement is missing or cannot be read, or the destination exists.
        UndecidedError: the verdict or the bytes cannot be read.
    """
    required = _required(args)
    try:
        with _ended_cleanly():
            return _run(args, required)
    except UndecidedError as error:
        if args.format == "json":
            verified.print_undecided(args.target, error)
        raise


def _run(args: argparse.Namespace, required: Requirements) -> int:
    envelope = read_envelope(args.verdict)
    early = refused_early(envelope, required, times.now())
    if early is not None:
        verified.print_result(args, None, early)
        return int(ExitCode.DENIED)

    def verification(found: Bytes) -> Verification:
        return verify(envelope, found.digest, _about(required, found), times.now())

    limits = Limits(seconds=args.timeout, size=args.max_bytes)
    if args.into is None:
        found = in_place(args.target, args.registry_uri, limits)
        result = verification(found)
    else:
        with fetched(args.target, args.registry_uri, Path(args.into), limits) as arrived:
            found = arrived.found
            result = verification(found)
            if result.holds:
                arrived.keep()
    verified.print_result(args, found, result)
    return int(ExitCode.ALLOWED if result.holds else ExitCode.DENIED)


@contextmanager
def _ended_cleanly() -> Iterator[None]:
    """Lets SIGTERM, which a runner sends when its time is over, take away what was fetched so far."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _: object) -> None:
        # A second one must not stop the cleaning up.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise SystemExit(_SIGNALLED + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _about(required: Requirements, found: Bytes) -> Requirements:
    """The requirements, with what the registry says of the version; what somebody required stays."""
    version = found.version
    if version is None:
        return required
    workspace = required.workspace if "workspace" in required.named else version.workspace
    return replace(required, workspace=workspace, registered=version)


def _required(args: argparse.Namespace) -> Requirements:
    """The file's requirements, and those of the options, which may repeat the file and not contradict it."""
    for name in filter(None, (args.require, *(args.gate_key or ()))):
        if not args.target.startswith(MODELS) and Path(name).resolve().is_relative_to(Path(args.target).resolve()):
            raise UsageError(
                "What is required lies among the files that are verified", where=visible(name), mend="Move it out"
            )
    base = read_requirements(args.require) if args.require else Requirements()
    options: dict[str, Any] = {
        "keys": tuple(read_gate_key(path) for path in args.gate_key) if args.gate_key else None,
        "profiles": tuple(args.profile) if args.profile else None,
        "model": args.model,
        "context": _digest(args.context, "--context"),
        "stage": Stage(args.stage) if args.stage else None,
        "minimum_strength": Strength(args.minimum_strength) if args.minimum_strength else None,
        "verifier": args.verifier,
        "workspace": args.workspace,
        "model_version": args.model_version,
        "registry": args.registry,
        "policies": tuple(_digest(one, "--policy") for one in args.policy) if args.policy else None,
        "configuration": _digest(args.configuration, "--configuration"),
        "max_age": _age(args.max_age),
        "allow_waivers": frozenset(args.allow_waiver) if args.allow_waiver else None,
    }
    changes = {name: value for name, value in options.items() if value is not None}
    if args.allow_waivers:
        changes["allow_waivers"] = None
    _refuse_contradictions(base, changes, args.require)
    required: Requirements = replace(base, **changes, named=base.named | frozenset(changes))
    _check_enough(required, args.target)
    return required


def _refuse_contradictions(base: Requirements, changes: dict[str, Any], file: str) -> None:
    """Refuses options that say something else than the file, which others may have reviewed."""
    for name in sorted(base.named & changes.keys()):
        if _comparable(getattr(base, name)) != _comparable(changes[name]):
            raise UsageError(
                f"An option and the file of requirements contradict each other about `{_FIELDS.get(name, name)}`",
                where=visible(file),
                required="what the file says, or nothing",
                mend="Leave the option out, or change the file",
            )


def _comparable(value: Any) -> object:
    """A list without its order; a key as its fingerprint."""
    if not isinstance(value, tuple):
        return value
    return {one if isinstance(one, str) else fingerprint(one) for one in value}


def _check_enough(required: Requirements, target: str) -> None:
    """Refuses requirements that a verdict about anything could meet."""
    lacking = [
        *([] if required.keys else ["--gate-key PUB"]),
        *([] if required.profiles else ["--profile ID"]),
        *([] if required.model or required.context or target.startswith(MODELS) else ["--model NAME"]),
    ]
    if lacking:
        raise UsageError(
            "Too little is required of the verdict",
            required=", ".join(lacking),
            mend="Add it, or a file: --require FILE",
        )


def _digest(text: str | None, option: str) -> str | None:
    if text is not None and not _DIGEST.fullmatch(text):
        raise UsageError(f"{visible(text)!r} is no digest", where=option, required="64 hexadecimal digits")
    return text


def _age(text: str | None) -> timedelta | None:
    if text is None:
        return None
    match = _AGE.fullmatch(text)
    if match is None:
        raise UsageError(f"{visible(text)!r} is no age", where="--max-age", required="hours or days, such as 12h or 7d")
    return timedelta(hours=int(match[1]) * (24 if match[2] == "d" else 1))
