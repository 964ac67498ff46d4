# SPDX-License-Identifier: Apache-2.0
"""What the action says of itself is true: README, guide and code have the inputs and outputs of action.yml."""

from __future__ import annotations

import re
from typing import Any

from support.gate_action import GATE, ROOT, read_yaml

ACTION: dict[str, Any] = read_yaml(GATE / "action.yml")
README = (GATE / "README.md").read_text("utf-8")
GUIDE = (ROOT / "docs" / "guides" / "github-action.md").read_text("utf-8")


def table(headers: list[str], rows: list[list[str]]) -> str:
    return "".join(f"| {' | '.join(line)} |\n" for line in [headers, ["---"] * len(headers), *rows])


def test_the_tables_of_inputs_and_outputs_are_those_of_action_yml() -> None:
    inputs = [
        [f"`{name}`", said["description"], f"`{said['default']}`" if "default" in said else ""]
        for name, said in ACTION["inputs"].items()
    ]
    outputs = [[f"`{name}`", said["description"]] for name, said in ACTION["outputs"].items()]
    assert table(["Input", "Meaning", "Default"], inputs) in README
    assert table(["Output", "Meaning"], outputs) in README


def test_the_code_reads_the_inputs_that_are_documented_and_sets_the_outputs() -> None:
    code = "".join(path.read_text("utf-8") for path in sorted((GATE / "src").glob("*.ts")))
    read = set(re.findall(r"(?:value|list|truth|seconds|getInput)\('([a-z-]+)'\)", code))
    read |= set(re.findall(r"choice\('([a-z-]+)'", code))
    assert read == set(ACTION["inputs"])
    for output in ACTION["outputs"]:
        assert re.search(rf"\b{output}\b", code), output


def test_it_runs_what_is_checked_in_under_node_24() -> None:
    assert ACTION["runs"] == {"using": "node24", "main": "dist/index.js"}
    assert (GATE / ACTION["runs"]["main"]).is_file()


def test_the_guide_names_only_inputs_and_outputs_that_exist() -> None:
    for text in (README, GUIDE):
        for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL):
            named = re.findall(r"(?m)^ {10}([a-z-]+):", block)
            assert set(named) - {"fetch-depth", "persist-credentials"} <= set(ACTION["inputs"]), block
        assert set(re.findall(r"steps\.\w+\.outputs\.([a-z-]+)", text)) <= set(ACTION["outputs"])
