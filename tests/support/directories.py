# SPDX-License-Identifier: Apache-2.0
"""Directories of evidence as people write them, for the command line, and who signs it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from qaqpa import times
from qaqpa.cli.main import main
from support.contents import contents, context
from support.keyring import parties_text, private_key_file, trusted
from support.statements import SIGNERS, stage_option


def write_system(root: Path, *, now: datetime | None = None, without: Collection[str] = ()) -> Path:
    """Context, a draft of every kind, and a model; all of it would pass at review.

    The matrix of responsibility names the trainer and the owner, so that it can be shown who is independent of them.
    """
    (root / "evidence").mkdir(parents=True)
    (root / "model").mkdir()
    (root / "model" / "MLmodel").write_text("flavors: {}\n", encoding="utf-8")
    write_yaml(root / "context.yaml", context())
    for kind, content in contents(now or times.now()).items():
        if kind not in without:
            write_yaml(root / "evidence" / f"{kind}.yaml", named(content))
    return root


def named(content: dict[str, Any]) -> dict[str, Any]:
    """The content; a matrix of responsibility with the persons of the keyring."""
    if content["kind"] != "responsibility":
        return content
    return {**content, "persons": [{"id": "trainer", "role": "trainer"}, {"id": "owner", "role": "owner"}]}


def write_yaml(path: Path, content: dict[str, object]) -> None:
    """A YAML file with one field on a line."""
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in content.items()]
    path.write_text("".join(lines), encoding="utf-8")


def write_trust(directory: Path, **changes: Any) -> Path:
    """A configuration that trusts the keyring's organisation, `qaqpa.yaml`, with the signed parties file beside it."""
    directory.mkdir(parents=True, exist_ok=True)
    now = times.now()
    source = trusted(directory, now, text=parties_text(now, **changes))
    parties = {"file": str(source.file), "roots": list(source.roots), "threshold": source.threshold}
    path = directory / "qaqpa.yaml"
    path.write_text(f"version: 1\nparties: {json.dumps(parties)}\n", encoding="utf-8")
    return path


def keys_of(directory: Path, persons: Iterable[str]) -> list[str]:
    """The options with which persons sign."""
    folder = directory / "keys"
    folder.mkdir(exist_ok=True)
    return [option for person in persons for option in ("--key", str(private_key_file(folder, person)))]


def sign(root: Path, kind: str, draft: Path, *more: str, signers: Collection[str] | None = None) -> int:
    """Attests a draft into the directory's evidence, signed by whoever has to, or by others; by nobody where empty."""
    persons = SIGNERS[kind] if signers is None else signers
    target = str(root / "evidence" / f"{kind}.json")
    return main(
        [
            *("attest", kind, str(draft), "--model", str(root), "--output", target),
            *keys_of(root.parent, persons),
            *(stage_option(kind) if "--stage" not in more else ()),
            *more,
        ]
    )


def signed_system(root: Path) -> Path:
    """A directory in which everything is signed, and no draft is left but the context."""
    write_system(root)
    assert sign(root, "system", root / "context.yaml") == 0
    for draft in sorted((root / "evidence").glob("*.yaml")):
        assert sign(root, draft.stem, draft) == 0
        draft.unlink()
    return root
