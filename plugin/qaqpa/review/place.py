# SPDX-License-Identifier: Apache-2.0
"""Where a tree lies in its repository: found from where the command runs, not from what the pull request put there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from qaqpa.errors import UsageError
from qaqpa.escape import visible
from qaqpa.review.git import Repository, SubmoduleError


@dataclass(frozen=True)
class Spot:
    """A tree in a repository.

    Attributes:
        repository: whose work tree holds it.
        tree: the tree as it was named.
        folder: its path from the top of the repository, with slashes; empty for the top itself.
    """

    repository: Repository
    tree: Path
    folder: str

    def inside(self, name: str) -> str:
        """A path below the tree, from the top of the repository."""
        return "/".join(part for part in (self.folder, name) if part not in {"", "."})


def find_spot(target: str) -> Spot:
    """Where a tree lies, or would lie: it may be gone, and the base says then whether it ever was there.

    The repository is the one around the working directory where that holds the tree, else the one around the tree.

    Raises:
        UsageError: the tree is in no repository, or is reached through a link or another repository.
    """
    tree = Path(target)
    absolute = Path(os.path.abspath(tree))  # noqa: PTH100 - keeps links
    repository = _around_here(absolute) or Repository.around(_directory_there(absolute))
    folder = below(repository.top, absolute)
    if folder is None:
        raise UsageError("The tree lies outside the work tree", where=visible(target), required=str(repository.top))
    place = repository.top
    for part in PurePosixPath(folder).parts:
        place /= part
        if place.is_symlink():
            raise UsageError("This is a symbolic link", where=visible(place), required="the directory itself")
        if os.path.lexists(place / ".git"):
            raise UsageError(
                "This is another repository, and what it is compared with would come from whoever chose it",
                where=visible(place),
                mend="Name a directory of the repository itself",
            )
    return Spot(repository, tree, folder)


def below(top: Path, path: Path) -> str | None:
    """A path by its name, from the top of a work tree on, with slashes; None for one outside.

    Links in it stay what they are, but those that lead to the top, such as one in the path of a home directory.
    """
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - keeps links
    # From the root on: a link inside that leads back to the top is a link like any other.
    for above in (*reversed(absolute.parents), absolute):
        # Unlike `Path.resolve` this takes links that lead to themselves.
        if above == top or Path(os.path.realpath(above)) == top:
            return "/".join(absolute.relative_to(above).parts)
    return None


def _directory_there(path: Path) -> Path:
    """The directory itself, or the nearest above it that is there."""
    return next(one for one in (path, *path.parents) if one.is_dir())


def _around_here(tree: Path) -> Repository | None:
    try:
        repository = Repository.around(Path.cwd())
    except SubmoduleError:
        raise
    except UsageError:
        return None
    return repository if below(repository.top, tree) is not None else None
