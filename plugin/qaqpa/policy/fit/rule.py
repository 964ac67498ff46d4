# SPDX-License-Identifier: Apache-2.0
"""What has to be there beside a rule: its card and its test."""

from __future__ import annotations

import re
from pathlib import Path

from qaqpa.policy.fit.parts import Parts, Problems
from qaqpa.policy.opa import PolicyError

_TEST = re.compile(r"^test_\w+", re.MULTILINE)


def rule_problems(control: str, path: Path, parts: Parts) -> Problems:
    """What is missing beside the rule of a control."""
    if not list(parts.policies.glob(f"catalog/{control}/data.*")):
        yield PolicyError(
            f"The control {control} has no card",
            where=str(path),
            required=f"catalog/{control}/data.yaml, as schemas/card.json says",
            mend="Write the card",
        )
    test = path.with_name(f"{path.stem}_test.rego")
    if not test.is_file() or not _TEST.search(test.read_text("utf-8")):
        yield PolicyError(
            f"The control {control} has no test",
            where=str(path),
            required=f"{test.name} beside it, with at least one rule test_…",
            mend="Show what passes, what does not apply, and each violation",
        )
