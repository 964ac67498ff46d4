# SPDX-License-Identifier: Apache-2.0
"""Generates the documentation that is made of data: `docs/controls`, coverage, profiles, write paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from qaqpa.docs.controls import NAMES, control_document, index_document
from qaqpa.docs.coverage import coverage_document
from qaqpa.docs.examples import Example
from qaqpa.docs.markdown import GENERATED
from qaqpa.docs.profiles import profiles_document
from qaqpa.docs.write_paths import write_paths_document
from qaqpa.policy.bundle import Catalog
from qaqpa.report.strings import LANGUAGES
from qaqpa.report.texts import Texts

__all__ = ["render_docs", "write_docs"]

_MATRICES = {"coverage": coverage_document, "profiles": profiles_document}


def render_docs(catalog: Catalog, examples: Mapping[str, Sequence[Example]]) -> dict[str, str]:
    """The generated files: their text by path below the directory of the documentation."""
    found = {"controls/README.md": index_document(catalog), "guides/write-paths.md": write_paths_document()}
    for control in sorted(catalog.controls):
        found[f"controls/{control}.md"] = control_document(control, catalog, examples.get(control, ()))
    for name, document in _MATRICES.items():
        links = " · ".join(f"[{NAMES[language]}]({_file(name, language)})" for language in LANGUAGES)
        found |= {_file(name, language): document(Texts(catalog, language), links) for language in LANGUAGES}
    return found


def write_docs(directory: Path, catalog: Catalog, examples: Mapping[str, Sequence[Example]]) -> list[str]:
    """Writes the generated files, and takes away generated pages of controls that are no more.

    Returns:
        the paths below `directory` of what it wrote.
    """
    for name in ("controls", "guides"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    files = render_docs(catalog, examples)
    for path in sorted((directory / "controls").glob("*.md")):
        stale = path.relative_to(directory).as_posix() not in files
        if stale and path.read_text("utf-8").startswith(GENERATED):
            path.unlink()
    for name, text in files.items():
        (directory / name).write_text(text, "utf-8")
    return sorted(files)


def _file(name: str, language: str) -> str:
    return f"{name}.md" if language == LANGUAGES[0] else f"{name}.{language}.md"
