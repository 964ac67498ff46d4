# SPDX-License-Identifier: Apache-2.0
"""What the demo prints stays readable, however wide the terminal is."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from qaqpa.demo.talk import Talk


@pytest.mark.parametrize("width", [30, 64, 65, 80, 200])
def test_a_row_keeps_every_word_and_its_columns(width: int) -> None:
    out = io.StringIO()
    Talk(Console(file=out, width=width)).row("somebody", "one, two, three, four, five, six, seven", "7 open")
    text = out.getvalue()
    for word in ("one", "two", "three", "four", "five", "six", "seven", "7 open"):
        assert word in text
    if width >= 65:
        assert text.startswith("      somebody    ")
        assert {line.index(line.strip()) for line in text.splitlines()[1:]} <= {35}
