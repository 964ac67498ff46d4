# SPDX-License-Identifier: Apache-2.0
"""The page of all profiles in a language."""

from __future__ import annotations

from qaqpa.docs.markdown import page, sections
from qaqpa.report.markdown_text import code, escape
from qaqpa.report.pages import profile_page
from qaqpa.report.texts import Texts


def profiles_document(texts: Texts, languages: str) -> str:
    """What each profile asks; `languages` are the links to the page in other languages."""
    blocks = []
    for profile in sorted(texts.catalog.profiles):
        heading = f'<a id="{profile}"></a>\n\n## {code(profile)}: {escape(texts.profile(profile, "title"))}'
        blocks += [heading, sections(profile_page(profile, texts), 3)]
    return page(f"# {escape(texts.say('docs.profiles'))}", languages, *blocks)
