# SPDX-License-Identifier: Apache-2.0
"""Markdown in which texts from data stay texts: no link, picture, table, HTML, mention or reference hides in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from qaqpa.escape import visible

_BREAK = "\u200b"
"""A blank of no width: what GitHub would link by itself falls apart, and looks the same."""

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&$])")
_AT_START = re.compile(r"^([#+\-=]|[0-9]+(?=[.)]))")
_CODE = re.compile(r"[\w./:, -]+", re.ASCII)
# Addresses, mentions and mails, issues by number, `:emoji:`, commits by their digest; GitHub makes links of them even
# where their characters are escaped, because it looks for them in the finished text.
_LINKED = re.compile(
    r"(?P<address>:(?=//)|(?<![^\W_])www(?=\.)|\b(?:mailto|xmpp):)"
    r"|(?P<mention>@)"
    r"|(?P<issue>#(?=\w)|\bGH(?=-[0-9]))"
    r"|(?P<emoji>:(?=[a-z0-9_+-]+:))"
    r"|(?P<commit>\b(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{6}(?=[0-9a-f]{1,34}\b))",
    re.IGNORECASE,
)


def escape(text: str) -> str:
    """A text on one line, with everything that Markdown, or GitHub's, would take for itself made harmless."""
    plain = " ".join(text.split())
    broken = _LINKED.sub(lambda match: f"{match[0]}{_BREAK}", visible(plain, len(plain)))
    safe = _SPECIAL.sub(r"\\\1", broken)
    start = _AT_START.match(safe)
    if start is None:
        return safe
    digits = start[1].isdigit()
    return f"{start[1]}\\{safe[start.end() :]}" if digits else f"\\{safe}"


def code(name: str) -> str:
    """A name as code; one that is no plain name as a text."""
    return f"`{name}`" if _CODE.fullmatch(name) else escape(name)


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already; an empty one is nothing."""
    found = [*rows]
    lines = [headers, ["---"] * len(headers), *found] if found else []
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
