# SPDX-License-Identifier: Apache-2.0
"""Whether the evidence in the work tree, which is judged, is the evidence that would be committed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from qaqpa.errors import UsageError
from qaqpa.escape import visible
from qaqpa.review.changed import has_object_id
from qaqpa.review.place import Spot
from qaqpa.review.tree import CONTEXT, EVIDENCE, models_below

_VARIABLE = "GIT_INDEX_FILE"
_MOST_NAMED = 5


def check_staged(spot: Spot) -> None:
    """Compares contexts and evidence below a tree with the index. What lies in `model/` is not compared.

    Raises:
        UsageError: one is in only one of them, or differs.
        UndecidedError: git cannot list the index.
    """
    index = spot.repository.staged(spot.folder, _index())
    top = spot.repository.top
    judged = {path for path in index if _is_judged(path)} | set(_lying(spot))
    different = sorted(path for path in judged if not has_object_id(top, path, index.get(path, "")))
    if different:
        named = ", ".join(visible(path) for path in different[:_MOST_NAMED])
        more = f" and {len(different) - _MOST_NAMED} more" if len(different) > _MOST_NAMED else ""
        raise UsageError(
            f"The work tree is judged, and the commit would have something else: {named}{more}",
            where="--staged",
            mend="`git add` them, or `git stash --keep-index --include-untracked` the rest",
        )


def _index() -> Path | None:
    """The index of the commit that is being made, which git names to its hooks; None for that of the repository."""
    named = os.environ.get(_VARIABLE)
    return Path.cwd() / named if named else None


def _lying(spot: Spot) -> Iterator[str]:
    """The contexts and the evidence in the work tree, ignored by git or not, from the top of the repository."""
    for folder in models_below(spot.tree) if spot.tree.is_dir() else ():
        context = spot.tree / folder / CONTEXT
        found = [context] if os.path.lexists(context) else []
        evidence = spot.tree / folder / EVIDENCE
        found += evidence.iterdir() if evidence.is_dir() else []
        for path in found:
            inside = spot.inside((path.relative_to(spot.tree)).as_posix())
            if _is_judged(inside):
                yield inside


def _is_judged(path: str) -> bool:
    *above, name = path.split("/")
    return name == CONTEXT or (above[-1:] == [EVIDENCE] and not name.startswith("."))
