# SPDX-License-Identifier: Apache-2.0
"""Compiles a policy directory: to WebAssembly for the embedded engine, and to a bundle for an OPA server.

`python -m qaqpa.policy.compile` does so for the policies of the checkout, and brings the generated index and input
schema up to date first. The result is the same byte for byte with the same OPA.
"""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
import tempfile
from pathlib import Path

from qaqpa.policy.bundle import DATA, ENTRYPOINT, MANIFEST, SERVER_BUNDLE, WASM, policy_digest
from qaqpa.policy.calendar import write_calendar
from qaqpa.policy.codes import codes_of
from qaqpa.policy.index import control_id, write_index
from qaqpa.policy.input_schema import write_input_schema
from qaqpa.policy.opa import PolicyError, find_opa, opa_version, run_opa
from qaqpa.resources import COMPILED, POLICIES, SCHEMAS

CAPABILITIES: Path = Path(__file__).with_name("capabilities.json")
"""The builtins that policies may use: those on which both engines agree. No division, no remainder."""

_NO_TESTS = ("--ignore", "*_test.rego")


def check_policies(policies: Path) -> None:
    """Checks a policy directory: strict mode, allowed builtins, the input schema.

    Raises:
        PolicyError: the message is OPA's own.
    """
    limits = ["--capabilities", str(CAPABILITIES), "--schema", str(SCHEMAS)]
    run_opa(["check", "--strict", *limits, *_NO_TESTS, "-b", policies.name], policies.parent)


def build(policies: Path, out: Path) -> None:
    """Checks and compiles a policy directory.

    Args:
        policies: the directory; it must be named `policies`, since its name becomes part of the compiled file.
        out: where the four files of `qaqpa.policy.bundle` go.

    Raises:
        PolicyError: OPA is missing or refuses the policies.
    """
    if policies.name != "policies":
        raise PolicyError(f"The directory is named {policies.name!r}", where=str(policies), required="policies")
    check_policies(policies)
    digest = policy_digest(policies)
    with tempfile.TemporaryDirectory() as scratch:
        wasm_bundle, server_bundle = Path(scratch, "wasm.tar.gz"), Path(scratch, SERVER_BUNDLE)
        common = ["build", "--capabilities", str(CAPABILITIES), *_NO_TESTS, "-b", policies.name, "-r", digest]
        run_opa([*common, "-t", "wasm", "-e", ENTRYPOINT, "-o", str(wasm_bundle)], policies.parent)
        run_opa([*common, "-o", str(server_bundle)], policies.parent)
        wasm, data = _member(wasm_bundle, WASM), _member(wasm_bundle, DATA)
        server = server_bundle.read_bytes()
    files = {WASM: wasm, DATA: data, SERVER_BUNDLE: server}
    manifest = {
        "policy_digest": digest,
        "opa": opa_version(find_opa()),
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        "levels": levels_of(policies),
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        _write(out / name, content)
    _write(out / MANIFEST, json.dumps(manifest, indent=2, sort_keys=True).encode() + b"\n")


def levels_of(policies: Path) -> dict[str, dict[str, list[str]]]:
    """By control, what its rule makes of the codes that it does not simply deny; see `Catalog`.

    Raises:
        PolicyError: OPA cannot read a rule.
    """
    found = {}
    for path in sorted(policies.glob("controls/*/*.rego")):
        if not path.stem.endswith("_test"):
            syntax = json.loads(run_opa(["parse", "--format", "json", str(path)], policies.parent))
            levels = sorted(codes_of(syntax).levels.items())
            found[control_id(path.stem)] = {code: sorted(made) for code, made in levels if made != {"deny"}}
    return found


def build_shipped() -> None:
    """Brings the generated files of the checkout up to date, and compiles its policies into the package.

    Raises:
        PolicyError: OPA is missing or refuses the policies.
    """
    write_input_schema()
    write_index(POLICIES)
    write_calendar(POLICIES)
    build(POLICIES, COMPILED)


def _member(archive: Path, name: str) -> bytes:
    with tarfile.open(archive) as tar:
        file = tar.extractfile(f"/{name}")
        if file is None:
            raise PolicyError(f"OPA built a bundle without {name}")
        return file.read()


def _write(path: Path, content: bytes) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_bytes(content)
    fresh.replace(path)


if __name__ == "__main__":
    build_shipped()
