# SPDX-License-Identifier: Apache-2.0
"""Parties files for tests of the commands: written, signed and trusted, in a directory."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from qaqpa import times
from qaqpa.cli.main import main
from qaqpa.config import PartiesSource
from qaqpa.evidence.parties import Parties
from qaqpa.evidence.trust import Trust
from support.keyring import parties_text, private_key_file, signing_key


def sign(here: Path, *roots: str, file: str = "parties.yaml", more: Iterable[str] = ()) -> int:
    """The exit code of signing with these root keys."""
    keys = [argument for root in roots for argument in ("--key", str(private_key_file(here, root)))]
    return main(["parties", "sign", str(here / file), *keys, *more])


def written(here: Path, **changes: object) -> Path:
    """The organisation's parties file, unsigned."""
    path = here / "parties.yaml"
    path.write_text(parties_text(times.now(), **changes), encoding="utf-8")
    return path


def configured(here: Path, threshold: int = 2, minimum: int = 1) -> Path:
    """A configuration that trusts the first two root keys."""
    roots = "".join(f"    - {signing_key(root).key_id}\n" for root in ("root1", "root2"))
    path = here / "qaqpa.yaml"
    path.write_text(
        f"version: 1\nparties:\n  file: parties.signed.json\n  threshold: {threshold}\n"
        f"  minimum_version: {minimum}\n  roots:\n{roots}",
        encoding="utf-8",
    )
    return path


def in_force(here: Path, threshold: int = 2) -> Parties:
    """What the signed file says to whoever trusts the first two root keys."""
    roots = tuple(signing_key(root).key_id for root in ("root1", "root2"))
    return Trust(PartiesSource(here / "parties.signed.json", roots, threshold)).parties(times.now())
