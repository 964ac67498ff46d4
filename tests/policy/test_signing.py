# SPDX-License-Identifier: Apache-2.0
"""A real OPA server that loads signed bundles only, by HTTPS and from files, and what it keeps in its own log."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from qaqpa.errors import UndecidedError, UsageError
from qaqpa.evidence.keys import FileKey, new_key
from qaqpa.gate import decide
from qaqpa.policy.bundle import ENTRYPOINT, load_bundle
from qaqpa.policy.embedded import EmbeddedEngine
from qaqpa.policy.server import OpaServerEngine
from qaqpa.policy.signing import SIGNATURES, sign_bundle
from qaqpa.resources import COMPILED
from support.bundles import BundleServer, changed, configured_opa, signed
from support.opa import require_opa
from support.servers import Running
from support.statements import everything, request

pytest.importorskip("opa_client")
pytestmark = [pytest.mark.opa, pytest.mark.server]

MASKING = Path("plugin/qaqpa/policy/masking")
REVISION = "cd" * 32


@dataclass(frozen=True)
class Serving:
    """An OPA server, where it fetches its bundle, and the key that it trusts."""

    opa: Running
    bundles: BundleServer
    good: bytes
    key: FileKey

    def asked(self, policy_digest: str = "") -> OpaServerEngine:
        bundle = load_bundle()
        digest = policy_digest or bundle.policy_digest
        return OpaServerEngine(self.opa.url, policy_digest=digest, catalog=bundle.catalog, timeout_seconds=10.0)

    def hands_out(self, bundle: bytes) -> None:
        """Waits until OPA has dealt with a bundle that it fetched after this call."""
        self.bundles.content = bundle
        before, until = self.bundles.asked, time.monotonic() + 20
        while len(re.findall("Bundle load failed|Bundle loaded and activated", self.opa.output())) <= before:
            assert time.monotonic() < until, self.opa.output()
            time.sleep(0.05)


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    require_opa()
    directory, key = tmp_path_factory.mktemp("signed"), FileKey(new_key("p256"))
    good, pem = signed(COMPILED, directory / "bundle.tar.gz", key)
    with BundleServer(directory) as bundles, configured_opa(directory, bundles, pem) as opa:
        yield Serving(opa, bundles, good, key)


def _tampered(bundle: bytes) -> bytes:
    def change(name: str, content: bytes) -> bytes:
        return content.replace(b'"deny"', b'"warn"') if name.endswith("severity.rego") else content

    return changed(bundle, change)


def _of_another_scope(bundle: bytes, key: FileKey) -> bytes:
    """Signed by the right key, for something else."""
    from qaqpa.policy import signing  # noqa: PLC0415 - for its private parts

    def change(name: str, content: bytes) -> bytes:
        if not name.endswith(SIGNATURES):
            return content
        part = json.loads(content)["signatures"][0].split(".")[1]
        payload = json.loads(signing.base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return json.dumps({"signatures": [signing._token({**payload, "scope": "other"}, key)]}).encode()

    return changed(bundle, change)


BAD: dict[str, Callable[[Serving, Path], bytes]] = {
    "nothing": lambda _, __: b"",
    "no bundle": lambda _, __: b"<html>",
    "tampered": lambda serving, _: _tampered(serving.good),
    "unsigned": lambda _, __: (COMPILED / "bundle.tar.gz").read_bytes(),
    "signature left out": lambda serving, _: changed(
        serving.good, lambda name, content: None if name.endswith(SIGNATURES) else content
    ),
    "another key": lambda _, directory: signed(COMPILED, directory / "other.tar.gz")[0],
    "another scope": lambda serving, _: _of_another_scope(serving.good, serving.key),
}


def test_only_a_bundle_that_is_signed_right_is_loaded_and_a_new_one_replaces_it(
    serving: Serving, tmp_path: Path
) -> None:
    document = decide(request(everything()), serving.asked()).input
    for name, make in BAD.items():
        serving.hands_out(make(serving, tmp_path))
        with pytest.raises(UndecidedError, match="evaluates other policies: no bundle"):
            serving.asked().evaluate(document)
        assert "Bundle loaded and activated" not in serving.opa.output(), name
    serving.hands_out(serving.good)
    assert serving.asked().evaluate(document).document == EmbeddedEngine.open().evaluate(document).document

    # What is wrong with the next one does not take the good one away.
    serving.hands_out(BAD["tampered"](serving, tmp_path))
    assert serving.asked().evaluate(document).policy_digest == load_bundle().policy_digest

    serving.hands_out(signed(_another_revision(tmp_path / "compiled"), tmp_path / "new.tar.gz", serving.key)[0])
    assert serving.asked(REVISION).evaluate(document).policy_digest == REVISION
    with pytest.raises(UndecidedError, match=f"evaluates other policies: {REVISION}"):
        serving.asked().evaluate(document)
    serving.hands_out(serving.good)
    assert serving.asked().evaluate(document).policy_digest == load_bundle().policy_digest


def _another_revision(compiled: Path) -> Path:
    """The shipped policies as if they had been compiled from others."""
    shutil.copytree(COMPILED, compiled)
    bundle, manifest = compiled / "bundle.tar.gz", compiled / "manifest.json"
    old = load_bundle().policy_digest

    def change(name: str, content: bytes) -> bytes:
        return content.replace(old.encode(), REVISION.encode()) if name == "/.manifest" else content

    bundle.write_bytes(changed(bundle.read_bytes(), change))
    said = json.loads(manifest.read_text())
    said["policy_digest"] = REVISION
    said["sha256"]["bundle.tar.gz"] = hashlib.sha256(bundle.read_bytes()).hexdigest()
    manifest.write_text(json.dumps(said))
    return compiled


def test_its_log_names_nobody_and_has_the_decision_s_id(serving: Serving) -> None:
    serving.hands_out(serving.good)
    given = request(everything(), asked_by="dana")
    decision = decide(given, serving.asked())
    assert decision.findings
    assert re.fullmatch(r"[0-9a-f-]{36}", decision.decision_id)
    entries = [entry for entry in _entries(serving.opa) if entry["decision_id"] == decision.decision_id]
    (entry,) = entries
    assert entry["path"] == ENTRYPOINT
    assert entry["result"]["verdict"] == decision.verdict.value
    assert entry["input"]["stage"] == given.stage.value
    assert set(entry["input"]) | set(entry["result"]) <= {
        *("as_of", "context_digest", "now", "profiles", "schema", "settings", "stage", "verdict"),
    }
    assert {"/input/actor", "/input/evidence", "/input/context", "/result/findings"} <= set(entry["erased"])
    logged = serving.opa.output()
    for name in _names(decision.input):
        assert not re.search(rf"\b{re.escape(name)}\b", logged), name


def _entries(opa: Running) -> list[Any]:
    until = time.monotonic() + 10
    while True:
        lines = [json.loads(line) for line in opa.output().splitlines() if line.startswith("{") and line.endswith("}")]
        found = [line for line in lines if line.get("msg") == "Decision Log"]
        if found or time.monotonic() > until:
            return found
        time.sleep(0.1)


def _names(document: Any) -> set[str]:
    """Everybody whom an input names, the model, and a text of what was signed."""
    signers = {signer["id"] for facts in document["evidence"].values() for fact in facts for signer in fact["signers"]}
    assert len(signers) > 3
    texts = {text for facts in document["evidence"].values() for fact in facts for text in _texts(fact["predicate"])}
    assert len(texts) > 20
    return {*signers, *texts, document["actor"], document["subject"]["name"]}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str) and " " in value:
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(inner)


def test_from_a_file_opa_takes_it_only_with_the_right_key(tmp_path: Path) -> None:
    opa = require_opa()
    _, pem = signed(COMPILED, tmp_path / "bundle.tar.gz")
    (tmp_path / "key.pem").write_text(pem)
    (tmp_path / "other.pem").write_text(signed(COMPILED, tmp_path / "other.tar.gz")[1])

    def evaluated(bundle: str, *options: str) -> int:
        command = [str(opa), "build", "-b", bundle, "-o", "out.tar.gz", *options]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode

    key = ["--verification-key-id", "qaqpa", "--signing-alg", "ES256", "--scope", "qaqpa", "--verification-key"]
    assert evaluated("bundle.tar.gz", *key, "key.pem") == 0
    assert evaluated("bundle.tar.gz", *key, "other.pem") != 0
    assert evaluated("bundle.tar.gz") != 0
    (tmp_path / "tampered.tar.gz").write_bytes(_tampered((tmp_path / "bundle.tar.gz").read_bytes()))
    assert evaluated("tampered.tar.gz", *key, "key.pem") != 0


def test_the_policies_inside_are_those_that_were_compiled(tmp_path: Path) -> None:
    content, _ = signed(COMPILED, tmp_path / "bundle.tar.gz")
    bare = changed(content, lambda name, inner: None if name.endswith(SIGNATURES) else inner)
    seen: list[dict[str, bytes]] = [{}, {}]
    for number, bundle in enumerate((bare, (COMPILED / "bundle.tar.gz").read_bytes())):
        changed(bundle, lambda name, inner, number=number: seen[number].setdefault(name, inner))  # type: ignore[misc]  # a default is no argument
    assert seen[0] == seen[1]
    assert len(seen[0]) > 30


def test_a_key_of_another_kind_and_a_bundle_that_was_changed_are_refused(tmp_path: Path) -> None:
    require_opa()
    with pytest.raises(UsageError, match="--type p256"):
        sign_bundle(COMPILED, FileKey(new_key("ed25519")), tmp_path / "out")
    compiled = tmp_path / "compiled"
    shutil.copytree(COMPILED, compiled)
    (compiled / "bundle.tar.gz").write_bytes(_tampered((compiled / "bundle.tar.gz").read_bytes()))
    with pytest.raises(UndecidedError, match="not the file that the manifest names"):
        sign_bundle(compiled, FileKey(new_key("p256")), tmp_path / "out")
    with pytest.raises(UsageError, match="cannot be written"):
        sign_bundle(COMPILED, FileKey(new_key("p256")), tmp_path / "missing" / "out")
    assert not (tmp_path / "out").exists()


def test_the_mask_is_clean_tested_and_covered() -> None:
    opa, root = str(require_opa()), Path(__file__).resolve().parents[2]
    places = [str(MASKING), "tests/policy/masking"]

    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert run(opa, "fmt", "--list", *places) == ""
    run(opa, "check", "--strict", *places)
    run("regal", "lint", "--config-file", ".regal/config.yaml", *places)
    assert json.loads(run(opa, "test", "--coverage", *places))["coverage"] == 100
