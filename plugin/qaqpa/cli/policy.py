# SPDX-License-Identifier: Apache-2.0
"""`qaqpa policy`: tests and builds policies of one's own beside ours, and hands a bundle to an OPA server."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from qaqpa.cli.common import add_config
from qaqpa.cli.signing import add_passphrase_file, passphrase_for
from qaqpa.config import load_config
from qaqpa.errors import UsageError
from qaqpa.escape import visible
from qaqpa.evidence.keys import load_signing_key
from qaqpa.policy import user
from qaqpa.policy.bundle import SERVER_BUNDLE, load_bundle
from qaqpa.policy.mask import MASK
from qaqpa.resources import COMPILED


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    test = actions.add_parser(
        "test", help="check a directory of policies and run its tests, with the shipped ones beside it"
    )
    test.add_argument("directory", metavar="DIR", type=Path)
    build = actions.add_parser(
        "build", help="test a directory of policies and compile it together with the shipped ones"
    )
    build.add_argument("directory", metavar="DIR", type=Path)
    build.add_argument("--output", metavar="OUT", type=Path, required=True, help="directory to write")
    bundle = actions.add_parser("bundle", help="print where the bundle for an OPA server lies, or write it signed")
    add_config(bundle)
    bundle.add_argument("--sign-key", metavar="FILE", help="ECDSA P-256 key; write the bundle with its signature")
    bundle.add_argument("--output", metavar="FILE", type=Path, help="file to write the signed bundle to")
    add_passphrase_file(bundle)
    actions.add_parser("mask", help="print the policy that keeps people out of OPA's own decision log")


def run(args: argparse.Namespace) -> int:
    """Tests, builds, or prints a path.

    Raises:
        QaqpaError: OPA is missing, a policy breaks a rule, a test fails, or the engines disagree.
    """
    if args.action == "test":
        with tempfile.TemporaryDirectory() as scratch:
            _build(args.directory, Path(scratch))
    elif args.action == "build":
        built = _build(args.directory, args.output)
        print(f"policy digest {built.policy_digest}")
        print("To use it, in qaqpa.yaml:")
        print(f"  policy: {_shown(args.output)}")
    elif args.action == "mask":
        print(MASK.read_text(encoding="utf-8"), end="")
    else:
        directory = load_config(args.config).policy
        revision = load_bundle(directory).policy_digest
        _hand_out(args, directory or COMPILED, revision)
    return 0


def _hand_out(args: argparse.Namespace, compiled: Path, revision: str) -> None:
    """Prints where the bundle lies, or signs a copy and prints what OPA's configuration needs to load no other."""
    if bool(args.sign_key) is not bool(args.output):
        raise UsageError("A signed bundle needs a key and a file", required="--sign-key and --output, or neither")
    if not args.sign_key:
        print(_shown(compiled / SERVER_BUNDLE))
        return
    from qaqpa.policy.signing import ALGORITHM, KEY_NAME, SCOPE, sign_bundle  # noqa: PLC0415 - a slow import

    key = load_signing_key(args.sign_key, passphrase_for(args.sign_key, args.passphrase_file))
    pem = sign_bundle(compiled, key, args.output)
    print(f"wrote {_shown(args.output)}, revision {revision}, signed by {key.key_id}", file=sys.stderr)
    print("For OPA's configuration, with `signing` at the bundle that it loads:", file=sys.stderr)
    print(f"keys:\n  {KEY_NAME}:\n    algorithm: {ALGORITHM}\n    scope: {SCOPE}\n    key: |")
    print("".join(f"      {line}\n" for line in pem.splitlines()), end="")


def _shown(path: Path) -> str:
    """A path for a terminal, whole: one that was cut could not be used."""
    return visible(path, len(str(path)))


def _build(directory: Path, out: Path) -> user.Built:
    print("Checking and compiling the policies, and running their tests on both engines …", file=sys.stderr)
    built = user.build_user_policies(directory, out)
    print(f"{built.tests} tests ({built.own_tests} of them yours) pass on both engines")
    print(f"Both engines gave the same decision for {built.inputs} inputs")
    return built
