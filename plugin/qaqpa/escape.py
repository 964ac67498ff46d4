# SPDX-License-Identifier: Apache-2.0
"""Makes hostile text harmless for people's eyes: names, evidence and tags come from anybody."""

from __future__ import annotations

import re
import unicodedata

MAX_SHOWN = 300
"""Longest single text that is shown, in characters."""

# Wherever in a line it stands, GitHub's runner takes what follows for a command.
_COMMAND, _NO_COMMAND = "##[", "\\u0023#["
_HIDDEN = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}

_LOGIN = re.compile(r"(?<=://)[^\s/?#]*@")
_SECRET = re.compile(r"(?i)([?&][^=&\s]*(?:password|passwd|pwd|token|secret|signature|sig|credential)=)[^&\s'\")]+")


def without_credentials(text: object) -> str:
    """A text whose addresses have no user, password or secret parameter left: `http://***@host/?token=***`."""
    return _SECRET.sub(r"\1***", _LOGIN.sub("***@", str(text)))


def visible(text: object, limit: int = MAX_SHOWN) -> str:
    """A text on one line: control, format and direction characters as escapes, and what is too long cut.

    What a runner of workflows would take for a command is broken up as well.
    """
    whole = str(text)
    part = whole[: limit + 1]
    # What Python calls printable has none of the hidden ones, and mostly all is.
    shown = part if part.isprintable() else "".join(map(_shown, part))
    shown = shown.replace(_COMMAND, _NO_COMMAND)
    return shown if len(whole) <= limit else f"{shown[:limit]}…"


def _shown(character: str) -> str:
    if unicodedata.category(character) not in _HIDDEN:
        return character
    number = ord(character)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"  # noqa: PLR2004 - end of the basic plane
