# SPDX-License-Identifier: Apache-2.0
"""`qaqpa check --verdict DIR`: the signed verdict on a decision."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from qaqpa.cli.lazily import MODELS
from qaqpa.cli.public_keys import read_gate_key
from qaqpa.cli.signing import add_passphrase_file, passphrase_for
from qaqpa.config import Config
from qaqpa.errors import UsageError
from qaqpa.escape import visible
from qaqpa.evidence.keys import SigningKey, load_signing_key
from qaqpa.model import Decision, Request, Stage, Verdict
from qaqpa.policy.engine import Engine
from qaqpa.record.attest import BUNDLE_FILE, DSSE_FILE, check_gate_key, signed_files, take_away, write_files
from qaqpa.record.services import is_service, open_service_key
from qaqpa.record.summary import EXPIRES
from qaqpa.record.verdict import Judgement, refuse_unsigned, verdict_statement


def add_verdict(parser: argparse.ArgumentParser) -> None:
    """Adds `--verdict`, `--gate-key` and `--passphrase-file`."""
    group = parser.add_argument_group("the signed verdict")
    group.add_argument(
        "--verdict", metavar="DIR", help=f"sign the decision and write {DSSE_FILE} and {BUNDLE_FILE} into DIR"
    )
    group.add_argument(
        "--gate-key",
        metavar="KEY",
        help="private key of the gate, ECDSA P-256: a file, or awskms:… azurekms:… gcpkms:… hsm:… hv:… with its public "
        "key; verdict.key of the configuration by default",
    )
    group.add_argument("--gate-public-key", metavar="PUB", help="public key of a key that lies in a service")
    add_passphrase_file(parser)


class Signing:
    """The verdict of one run of `check`. Without `--verdict` it does nothing.

    An earlier verdict in the directory goes first of all: whatever becomes of this run, nobody can take that one for
    its result.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        """Takes an earlier verdict away.

        Raises:
            UsageError: it cannot be taken away, a key is named without a directory, the directory is judged itself, or
                two states are compared.
        """
        if args.gate_key and not args.verdict:
            raise UsageError("--gate-key is there without --verdict", required="both, or neither")
        if args.verdict and getattr(args, "base", None) is not None:
            raise UsageError(
                "There is no verdict on a comparison, which is advice", where="--base", required="--verdict alone"
            )
        self._args = args
        self._directory = Path(args.verdict) if args.verdict else None
        self._key: SigningKey | None = None
        self._signed: dict[str, str] = {}
        self._result = ""
        if self._directory:
            _refuse_inside(self._directory, args.target)
            take_away(self._directory)

    def prepare(self, config: Config, stage: Stage) -> None:
        """Reads the gate's key, and refuses what no verdict is signed for, before anything is decided.

        Raises:
            UsageError: there is no key, or it cannot be used; or the run is a review or as of another day.
        """
        if not self._directory:
            return
        refuse_unsigned(config, stage, "", as_of=self._args.as_of is not None)
        named = self._args.gate_key or (str(config.verdict.key) if config.verdict.key else "")
        if not named:
            raise UsageError("No key of the gate is named", where="--verdict", mend="Add --gate-key FILE")
        key = self._opened(named)
        check_gate_key(key.public_key, visible(named))
        self._key = key

    def _opened(self, named: str) -> SigningKey:
        if not is_service(named):
            return load_signing_key(named, passphrase_for(named, self._args.passphrase_file))
        if not self._args.gate_public_key:
            raise UsageError(
                "The public key of this key is not named", where=visible(named), mend="Add --gate-public-key PUB"
            )
        public = read_gate_key(self._args.gate_public_key)
        return open_service_key(named, public, passphrase_for(named, self._args.passphrase_file))

    def sign(self, decision: Decision, request: Request, config: Config, engine: Engine) -> None:
        """Signs the decision; nothing is written yet.

        Raises:
            QaqpaError: the decision cannot be signed.
        """
        if not self._directory or not self._key:
            return
        if decision.verdict is not Verdict.ALLOW and request.subject.digest is None:
            print("qaqpa: no verdict is signed: it is not known which bytes it would be about", file=sys.stderr)
            return
        payload = verdict_statement(Judgement(decision, request, config, engine))
        self._signed = signed_files(payload, self._key)
        ends = json.loads(payload)["predicate"].get(EXPIRES)
        result = "PASSED" if decision.verdict is Verdict.ALLOW else "FAILED"
        self._result = f"{result}, ends {ends}" if ends else result

    def write(self) -> None:
        """Writes both files, and says where they are on standard error. The last step: what failed leaves no verdict.

        Raises:
            QaqpaError: the files cannot be written; then there are none.
        """
        if not self._directory or not self._key or not self._signed:
            return
        write_files(self._directory, self._signed)
        place = visible(self._directory / DSSE_FILE)
        said = f"qaqpa: wrote {place} and {BUNDLE_FILE}: {self._result}, signed by {self._key.key_id}"
        try:
            print(said, file=sys.stderr, flush=True)
        except OSError:
            take_away(self._directory)
            raise


def _refuse_inside(directory: Path, target: str) -> None:
    """A verdict among the files of the model would change the bytes that it is about."""
    for part in ("model", "evidence"):
        if not target.startswith(MODELS) and directory.resolve().is_relative_to((Path(target) / part).resolve()):
            raise UsageError(
                "The verdict would lie in what is judged", where="--verdict", required="a directory elsewhere"
            )
