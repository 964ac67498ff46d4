# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import pytest

from qaqpa.policy.bundle import DATA, MANIFEST, SERVER_BUNDLE, WASM, policy_digest
from qaqpa.policy.compile import CAPABILITIES, build, check_policies
from qaqpa.policy.machine import Code, Machine
from qaqpa.policy.opa import PolicyError, find_opa, opa_version, run_opa
from qaqpa.resources import COMPILED, POLICIES
from support.opa import require_opa, snapshot

FILES = [WASM, DATA, SERVER_BUNDLE, MANIFEST]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    require_opa()
    (tmp_path / "policies").mkdir()
    return tmp_path / "policies"


@pytest.mark.opa
def test_shipped_files_are_what_the_policies_compile_to(tmp_path: Path) -> None:
    opa = require_opa()
    named = json.loads((COMPILED / MANIFEST).read_bytes())["opa"]
    if opa_version(opa) != named:
        pytest.skip(f"the shipped files were compiled by OPA {named}")
    _, compiled = snapshot(tmp_path)
    differing = [name for name in FILES if (compiled / name).read_bytes() != (COMPILED / name).read_bytes()]
    assert differing == [], "run `python -m qaqpa.policy.compile`"


@pytest.mark.opa
def test_building_twice_in_different_places_gives_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b" / "c").mkdir(parents=True)
    one, other = snapshot(tmp_path / "a")[1], snapshot(tmp_path / "b" / "c")[1]
    assert [(one / name).read_bytes() for name in FILES] == [(other / name).read_bytes() for name in FILES]


def test_shipped_digest_is_that_of_the_policies() -> None:
    assert json.loads((COMPILED / MANIFEST).read_bytes())["policy_digest"] == policy_digest(POLICIES)


@pytest.mark.opa
@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("x := 1 / 2", "undefined function"),
        ('x := sprintf("%d", [1])', "undefined function"),
        ("x := time.now_ns()", "undefined function"),
        ("x := http.send({})", "undefined function"),
        ("x := 1\n\nf(a) := 2", "unused"),
    ],
)
def test_what_the_engines_do_not_share_is_refused(small: Path, body: str, why: str) -> None:
    (small / "a.rego").write_text(f"package a\n\n{body}\n")
    with pytest.raises(PolicyError, match=why):
        check_policies(small)


@pytest.mark.opa
def test_misspelt_field_of_the_input_is_refused(small: Path) -> None:
    (small / "a.rego").write_text(
        "# METADATA\n# schemas:\n#   - input: schema.input\npackage a\n\nx := input.contxt.domain\n"
    )
    with pytest.raises(PolicyError, match=r"undefined ref: input\.contxt"):
        check_policies(small)


@pytest.mark.opa
def test_directory_of_another_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="named"):
        build(tmp_path, tmp_path / "out")


@pytest.mark.opa
def test_every_allowed_builtin_is_native_to_webassembly(small: Path) -> None:
    """A builtin that the host would have to supply is listed in the module's own table of builtins."""
    values = {"string": '"a"', "number": "3", "array": "[]", "set": "set()", "object": "{}", "boolean": "true"}
    rules = []
    for builtin in json.loads(CAPABILITIES.read_text())["builtins"]:
        if "." in builtin["name"] or (builtin["name"].isalpha() and "infix" not in builtin):
            kinds = [argument.get("type", "any") for argument in builtin["decl"].get("args", [])]
            arguments = ", ".join(values.get(kind, "[]") for kind in kinds)
            if builtin["name"] not in {"eq", "assign"} and not builtin["name"].startswith("internal."):
                rules.append(f"r contains {builtin['name']}({arguments})")
    assert len(rules) > 20
    (small / "a.rego").write_text("package qaqpa.gate\n\ndecision := sort(r)\n\n" + "\n\n".join(rules) + "\n")
    build(small, small.parent / "out")
    Machine(Code((small.parent / "out" / WASM).read_bytes()), b"{}")


@pytest.mark.opa
def test_allowed_builtins_are_declared_as_opa_declares_them() -> None:
    require_opa()
    ours = json.loads(CAPABILITIES.read_text())
    known = json.loads(run_opa(["capabilities", "--version", "v1.17.0"], POLICIES.parent))
    theirs = {builtin["name"]: builtin["decl"] for builtin in known["builtins"]}
    assert [builtin["name"] for builtin in ours["builtins"]] == sorted(b["name"] for b in ours["builtins"])
    for builtin in ours["builtins"]:
        assert _shape(builtin["decl"]) == _shape(theirs[builtin["name"]]), builtin["name"]
    assert ours["features"] == ["rego_v1"]
    assert not {"div", "rem"} & {builtin["name"] for builtin in ours["builtins"]}


def _shape(declaration: object) -> object:
    """A declaration without the descriptions of its arguments."""
    if isinstance(declaration, dict):
        return {k: _shape(v) for k, v in declaration.items() if k not in {"description", "name"}}
    return [_shape(item) for item in declaration] if isinstance(declaration, list) else declaration


def test_missing_opa_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("qaqpa.policy.opa.POLICIES", tmp_path / "policies")
    with pytest.raises(PolicyError, match=r"no `opa` here.*QAQPA_OPA"):
        find_opa()


def test_named_opa_wins_and_must_exist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "my-opa"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("QAQPA_OPA", str(program))
    assert find_opa() == program
    monkeypatch.setenv("QAQPA_OPA", str(tmp_path / "none"))
    with pytest.raises(PolicyError, match="QAQPA_OPA names"):
        find_opa()


def test_opa_of_the_checkout_comes_before_the_one_on_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / ".tools" / "bin" / "opa"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr("qaqpa.policy.opa.POLICIES", tmp_path / "policies")
    assert find_opa() == program
