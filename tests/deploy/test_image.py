# SPDX-License-Identifier: Apache-2.0
"""What the image is built from; it is not built here."""

from __future__ import annotations

import re
import shlex

from support.composed import DEPLOY, ROOT, services

TEXT = (DEPLOY / "Dockerfile").read_text("utf-8")
INSTRUCTIONS = [
    shlex.split(line, comments=True) for line in TEXT.replace("\\\n", "").splitlines() if not line.startswith("#")
]


def of(kind: str) -> list[list[str]]:
    return [found[1:] for found in INSTRUCTIONS if found and found[0] == kind]


def test_what_is_copied_is_there_and_is_sent_to_the_builder() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").split()
    assert ignored[0] == "*"
    sent = {line[1:] for line in ignored if line.startswith("!")}
    copied = {
        source for parts in of("COPY") if not parts[0].startswith("--from") for source in parts[:-1] if source[0] != "-"
    }
    assert copied == sent
    assert all((ROOT / source).exists() for source in copied)


def test_it_runs_as_nobody_and_the_volumes_belong_to_that_user() -> None:
    assert of("USER") == [["65532:65532"]]
    assert services()["mlflow"]["user"] == "65532:65532"
    (made,) = [parts for parts in of("RUN") if parts[0] == "install"]
    written = [
        target
        for name in ("mlflow", "bundle")
        for source, target, *how in (volume.split(":") for volume in services()[name]["volumes"])
        if not source.startswith(".") and not how
    ]
    assert sorted(made[6:]) == sorted(written)


def test_everything_is_installed_from_the_lock_file_or_the_checkout() -> None:
    installs = [parts for parts in of("RUN") if "install" in parts and any("pip" in part for part in parts)]
    assert len(installs) == 2
    assert "--require-hashes" in installs[0]
    assert {"--no-deps", "--no-index", "--no-build-isolation"} <= set(installs[1])


def test_its_base_has_a_version() -> None:
    bases = [parts[0] for parts in of("FROM")]
    assert len(set(bases)) == 1
    assert re.fullmatch(r"docker\.io/library/python:3\.12\.\d+-slim-bookworm", bases[0])
