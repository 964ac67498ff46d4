# SPDX-License-Identifier: Apache-2.0
"""`qaqpa check`: decides about a model version in a registry, or about a directory of evidence."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from datetime import datetime

from qaqpa.cli import reviewing
from qaqpa.cli.asked import moment_of, profiles_of
from qaqpa.cli.common import (
    MODELS,
    Target,
    add_config,
    add_language,
    add_registry,
    read_target,
    trust_for,
    waiting,
)
from qaqpa.cli.fetching import without_unsound
from qaqpa.cli.formats import EXIT, add_formats, deliver, parse_formats
from qaqpa.cli.verdicts import Signing, add_verdict
from qaqpa.config import Config, load_config
from qaqpa.errors import UsageError
from qaqpa.escape import visible
from qaqpa.gate import decide, open_engine, request_about
from qaqpa.model import Problem, Stage
from qaqpa.policy.configured import validate_config
from qaqpa.report.judged import Judged
from qaqpa.report.language import chosen_language
from qaqpa.report.overrides import overrides_noted
from qaqpa.report.places import Places


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.add_argument(
        "target",
        metavar="TARGET",
        help="models:/name/7, models:/name@alias, or a directory; with --base a tree of them",
    )
    parser.add_argument("--name", metavar="MODEL", help="registered model that a directory must be about")
    parser.add_argument(
        "--stage", choices=[stage.value for stage in Stage], help="review for a directory, else production"
    )
    parser.add_argument("--profile", action="append", metavar="ID", help="profile to apply; repeatable")
    parser.add_argument("--as-of", metavar="DATE", help="decide as on this day, or at this time with zone")
    parser.add_argument("--engine", choices=["embedded", "opa"], help="who evaluates the policies")
    add_formats(parser)
    add_language(parser)
    parser.add_argument(
        "--fetch-documents",
        action="store_true",
        help="read the documents that evidence names, from the directory or by https, and compare their hashes",
    )
    reviewing.add_arguments(parser)
    add_config(parser)
    add_registry(parser)
    add_verdict(parser)


def run(args: argparse.Namespace) -> int:
    """Decides, reports, and returns the exit code that belongs to the verdict.

    Raises:
        QaqpaError: what was asked cannot be read.
    """
    signing = Signing(args)
    if args.base is not None:
        return reviewing.run(args)
    if args.fail_on:
        raise UsageError("There is nothing that this could be worse than", where="--fail-on", required="--base REF")
    if args.staged:
        raise UsageError("Only a review looks at the index", where="--staged", required="--base REF")
    wanted = parse_formats(args.format)
    language = chosen_language(args.lang)
    config = _config(args)
    now = moment_of(args.as_of)
    engine = open_engine(config)
    validate_config(config, engine.catalog)
    stage = Stage(args.stage or ("production" if args.target.startswith(MODELS) else "review"))
    profiles = profiles_of(args.profile, config, stage, engine.catalog)
    signing.prepare(config, stage)
    trust = trust_for(config, args.target, stage)
    target = read_target(args.target, args.registry_uri)
    _check_name(args, target, stage)
    request = request_about(
        target.subject,
        target.carried,
        stage=stage,
        profiles=profiles,
        settings=config.settings_for(stage),
        now=now,
        problems=[*target.problems, *_without_bytes(target, stage)],
        trust=trust,
        as_of=args.as_of is not None,
    )
    if args.fetch_documents:
        with waiting("reading the documents that evidence names"):
            request = without_unsound(request, target.base)
    decision = decide(request, engine)
    signing.sign(decision, request, config, engine)
    _say_mode(config, target, now)
    places = Places(request, target.base, config.path)
    judged = Judged(decision, args.target, places, notes=overrides_noted(request))
    code = deliver(judged, engine.catalog, wanted, language, brief=args.brief)
    if code == EXIT[decision.verdict]:
        signing.write()
    return code


def _check_name(args: argparse.Namespace, target: Target, stage: Stage) -> None:
    """A directory says itself which registered model it is; whoever deploys knows better."""
    name = visible(target.subject.name)
    if args.name and args.name != target.subject.name:
        raise UsageError(f"This is about the registered model {name!r}", where=args.target, required=visible(args.name))
    if not args.name and not target.in_registry and stage is not Stage.REVIEW:
        print(f"qaqpa: judged as {name!r}, because the directory says so; --name MODEL makes sure", file=sys.stderr)


def _say_mode(config: Config, target: Target, now: datetime) -> None:
    observe = config.observed(target.subject.name, now) if target.in_registry else None
    if observe:
        print(
            f"qaqpa: NOT ENFORCED: {visible(target.subject.name)} is only observed until {observe.until}, "
            "so a server with this configuration lets it pass",
            file=sys.stderr,
        )


def _without_bytes(target: Target, stage: Stage) -> list[Problem]:
    if target.in_registry or target.subject.digest or stage is Stage.REVIEW:
        return []
    return [Problem("bytes_missing", f"The directory has no model/, and {stage.value} is decided about bytes.")]


def _config(args: argparse.Namespace) -> Config:
    config = load_config(args.config)
    return replace(config, engine=args.engine) if args.engine else config
