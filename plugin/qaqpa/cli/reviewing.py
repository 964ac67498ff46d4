# SPDX-License-Identifier: Apache-2.0
"""`qaqpa check TREE --base REF`: what a pull request makes worse, judged by the rules of its base."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from qaqpa.cli.asked import moment_of, profiles_of
from qaqpa.cli.common import MODELS, waiting
from qaqpa.cli.formats import deliver, parse_formats
from qaqpa.cli.saying import say
from qaqpa.errors import UsageError
from qaqpa.escape import visible
from qaqpa.gate import open_engine, open_trust, trusted_parties
from qaqpa.model import Stage
from qaqpa.policy.configured import validate_config
from qaqpa.report.language import chosen_language
from qaqpa.review.concerned import Scene
from qaqpa.review.pinned import Pinned
from qaqpa.review.place import find_spot
from qaqpa.review.refs import find_base
from qaqpa.review.run import ANY, NEVER, NEW, Reviewer
from qaqpa.review.staged import check_staged
from qaqpa.review.state import Judge

_LONGEST = 2000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of a review."""
    parser.add_argument(
        "--base", metavar="REF", help="compare the models of a tree with this branch or commit, and judge by its rules"
    )
    parser.add_argument(
        "--fail-on",
        choices=[NEVER, NEW, ANY],
        help="with --base, what exits with 3: nothing (the default), what became worse, or all that denies",
    )
    parser.add_argument(
        "--staged", action="store_true", help="with --base, refuse evidence that is not in the index as it is judged"
    )


def run(args: argparse.Namespace) -> int:
    """Reviews, reports, and returns the exit code that belongs to the outcome.

    Raises:
        QaqpaError: what was asked does not go together, or the tree or the base cannot be read.
    """
    _check(args)
    wanted = parse_formats(args.format)
    language = chosen_language(args.lang)
    now = moment_of(args.as_of)
    with ExitStack() as stack:
        stack.enter_context(waiting("comparing with the base"))
        spot = find_spot(args.target)
        base = find_base(spot.repository, args.base)
        if args.staged:
            check_staged(spot)
        scratch = Path(stack.enter_context(TemporaryDirectory(prefix="qaqpa-review-")))
        blobs = stack.enter_context(spot.repository.blobs())
        pinned = Pinned(spot, base, blobs, Path(mkdtemp(dir=scratch)), _say)
        config = pinned.config(args.config)
        config = replace(config, engine=args.engine) if args.engine else config
        engine = open_engine(config)
        validate_config(config, engine.catalog)
        profiles = profiles_of(args.profile, config, Stage.REVIEW, engine.catalog)
        trust = open_trust(config)
        settings = config.settings_for(Stage.REVIEW)
        judge = Judge(engine, profiles, settings, now, trust, as_of=args.as_of is not None)
        parties, _ = trusted_parties(trust, now)
        scene = Scene(spot, base, blobs, config, _say)
        review = Reviewer(scene, judge, scratch, parties, args.fail_on or NEVER, pinned.changed()).review()
    return deliver(replace(review, target=args.target), engine.catalog, wanted, language, brief=args.brief)


def _check(args: argparse.Namespace) -> None:
    """Refuses what does not go with a base."""
    if args.target.startswith(MODELS):
        required = "a directory of a git repository"
        raise UsageError("A version of a registry has no base", where="--base", required=required)
    if args.stage not in {None, Stage.REVIEW.value}:
        raise UsageError(
            f"A pull request is reviewed, not decided about for {args.stage}",
            where="--stage",
            required="review, or no --stage",
            mend="Decide about staging and production without --base, on the bytes that will be served",
        )
    for name in ("name", "registry_uri", "fetch_documents"):
        if getattr(args, name):
            option = f"--{name.replace('_', '-')}"
            raise UsageError("This does not go with --base", where=option, mend="Leave it out, or check one directory")


def _say(text: str) -> None:
    say(f"qaqpa: {visible(text, _LONGEST)}")
