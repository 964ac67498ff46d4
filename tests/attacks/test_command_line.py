# SPDX-License-Identifier: Apache-2.0
"""Every attack of the catalogue through `qaqpa check` on a directory, and those on the files around it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from attacks.catalogue import ATTACKS, LAX, Attack
from attacks.scene import DAY, Scene, attacked_organisation
from attacks.test_in_process import codes_of
from qaqpa import times
from qaqpa.cli.main import main
from qaqpa.evidence.carriers import Carried
from qaqpa.evidence.digest import dir_hash
from qaqpa.model import JsonObject
from support.directories import write_yaml
from support.keyring import ROOTS, public_line, signed_text, signing_key, to_yaml

Capture = pytest.CaptureFixture[str]


class Attacked:
    """A directory that is judged, and beside it the configuration of whoever judges."""

    def __init__(self, root: Path, capsys: Capture) -> None:
        self._root, self._capsys = root, capsys
        self.target = root / "target"
        (self.target / "model").mkdir(parents=True)
        (self.target / "model" / "MLmodel").write_text("flavors: {}\n", encoding="utf-8")
        self.scene = Scene("credit", dir_hash(self.target / "model"), times.now())
        self.trust(self.scene.parties)

    def trust(self, text: str, roots: Iterable[str] = ROOTS[:2], place: Path | None = None) -> None:
        """Puts another parties file in force, as far as it counts."""
        file = (place or self._root) / "parties.signed.json"
        file.write_text(signed_text(text, roots), encoding="utf-8")
        fingerprints = "".join(f'\n    - "{signing_key(root).key_id}"' for root in ROOTS)
        configuration = (
            f"version: 1\nparties:\n  file: {file}\n  threshold: 2\n  state: state\n  roots:{fingerprints}\n"
        )
        (self._root / "qaqpa.yaml").write_text(configuration, encoding="utf-8")

    def organisation(self, **changes: Any) -> str:
        return to_yaml({**attacked_organisation(self.scene.now), **changes})

    def write(self, pieces: Iterable[Carried]) -> None:
        folder = self.target / "evidence"
        folder.mkdir(exist_ok=True)
        # The registered model of a directory is the one that its context names.
        write_yaml(self.target / "context.yaml", self.scene.context())
        for number, piece in enumerate(pieces):
            (folder / f"{number}-{piece.kind}.json").write_text(piece.text, encoding="utf-8")

    def check(self, *more: str) -> tuple[int, JsonObject]:
        """Exit code and decision document; without one, what was said instead."""
        config = str(self._root / "qaqpa.yaml")
        self._capsys.readouterr()
        code = main(["check", str(self.target), "--stage", "production", "--format", "json", "--config", config, *more])
        shown = self._capsys.readouterr()
        if code == 2:
            return code, {"said": shown.err}
        document: JsonObject = json.loads(shown.out)["decision"]
        return code, document


@pytest.fixture
def attacked(here: Path, capsys: Capture) -> Attacked:
    return Attacked(here, capsys)


def test_without_an_attack_it_is_allowed(attacked: Attacked) -> None:
    attacked.write(attacked.scene.sound())
    code, document = attacked.check()
    assert (code, document["verdict"]) == (0, "allow")


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_it_fails_with_its_code(attacked: Attacked, attack: Attack) -> None:
    attacked.write([*attacked.scene.sound(*attack.without), *attack.make(attacked.scene)])
    code, document = attacked.check()
    if attack.broken_file:
        assert code == 2
        assert "-audit.json:1:" in document["said"]
        return
    assert code in {3, 4}
    assert attack.code in codes_of(document)


def _too_few(attacked: Attacked) -> None:
    attacked.trust(attacked.scene.parties, ["root1"])


def _one_root_twice(attacked: Attacked) -> None:
    attacked.trust(attacked.scene.parties, ["root1", "root1"])


def _strange_roots(attacked: Attacked) -> None:
    strangers = attacked.organisation(root_keys=[public_line("stranger1"), public_line("stranger2")])
    attacked.trust(strangers, ["stranger1", "stranger2"])


def _expired(attacked: Attacked) -> None:
    attacked.trust(attacked.organisation(expires=times.render(attacked.scene.now - timedelta(seconds=1))))


def _for_too_long(attacked: Attacked) -> None:
    attacked.trust(attacked.organisation(expires=times.render(attacked.scene.now + 91 * DAY)))


def _rolled_back(attacked: Attacked) -> None:
    attacked.trust(attacked.organisation(version=2))
    attacked.check()
    attacked.trust(attacked.scene.parties)


def _same_version(attacked: Attacked) -> None:
    attacked.check()
    attacked.trust(attacked.organisation(expires=times.render(attacked.scene.now + 50 * DAY)))


def _one_key_for_two(attacked: Attacked) -> None:
    value = attacked_organisation(attacked.scene.now)
    value["parties"][0]["keys"].append(value["parties"][3]["keys"][0])
    attacked.trust(to_yaml(value))


def _bomb(attacked: Attacked) -> None:
    attacked.trust("a: &a [1, 1]\nb: &b [*a, *a]\nc: [*b, *b]\n")


def _gone(attacked: Attacked) -> None:
    (attacked.target.parent / "parties.signed.json").unlink()


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (_too_few, "parties_signatures"),
        (_one_root_twice, "parties_signatures"),
        (_strange_roots, "parties_signatures"),
        (_expired, "parties_expired"),
        (_for_too_long, "parties_too_long"),
        (_rolled_back, "parties_rolled_back"),
        (_same_version, "parties_conflict"),
        (_one_key_for_two, "parties_unreadable"),
        (_bomb, "parties_unreadable"),
        (_gone, "parties_missing"),
    ],
)
def test_a_parties_file_that_does_not_count_leaves_nobody_who_could_sign(
    attacked: Attacked, spoil: Any, code: str
) -> None:
    attacked.write(attacked.scene.sound())
    spoil(attacked)
    exit_code, document = attacked.check()
    assert exit_code == 3
    assert {code, "no_parties"} <= codes_of(document)


def test_root_keys_that_the_judged_tree_brings_along_are_refused(attacked: Attacked) -> None:
    attacked.write(attacked.scene.sound())
    attacked.trust(attacked.organisation(), place=attacked.target)
    (attacked.target / "qaqpa.yaml").write_bytes((attacked.target.parent / "qaqpa.yaml").read_bytes())
    code, said = attacked.check("--config", str(attacked.target / "qaqpa.yaml"))
    assert code == 2
    assert "lies inside the directory that is judged" in said["said"]


def test_a_context_lowered_by_a_file_counts_for_nothing(attacked: Attacked) -> None:
    attacked.write(attacked.scene.sound("audit"))
    write_yaml(attacked.target / "context.yaml", attacked.scene.context(version=9, **LAX))
    code, document = attacked.check()
    assert code == 3
    assert ("system", "draft") in {(refusal["kind"], refusal["code"]) for refusal in document["rejected"]}
    finding = next(finding for finding in document["findings"] if finding["control"] == "AUD-01")
    assert finding["status"] == "fail"


def test_an_envelope_of_a_hundred_megabytes_is_not_read(attacked: Attacked) -> None:
    attacked.write(attacked.scene.sound())
    with (attacked.target / "evidence" / "huge.json").open("wb") as file:
        file.truncate(100_000_000)
    code, said = attacked.check()
    assert code == 2
    assert "too large" in said["said"]


def test_ten_thousand_pieces_of_evidence_are_no_selection(attacked: Attacked) -> None:
    attacked.write(attacked.scene.sound())
    piece = attacked.scene.of("audit").text
    for number in range(10_000):
        (attacked.target / "evidence" / f"x{number}.json").write_text(f"{piece}{' ' * number}", encoding="utf-8")
    code, document = attacked.check()
    assert code in {3, 4}
    assert "too_much_evidence" in codes_of(document)


@pytest.mark.parametrize(
    "text",
    ["kind: audit\na: &a [1]\nb: [*a, *a]\n", "kind: audit\nx: " + "[" * 5000, "kind: audit\nkind: audit\n"],
    ids=["aliases", "nesting", "duplicate keys"],
)
def test_an_evil_draft_is_refused(attacked: Attacked, text: str) -> None:
    attacked.write(attacked.scene.sound())
    (attacked.target / "evidence" / "evil.yaml").write_text(text, encoding="utf-8")
    code, said = attacked.check()
    assert code == 2
    assert "evil.yaml:" in said["said"]


@pytest.mark.parametrize(
    "uri",
    ["../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "http://169.254.169.254/", "..%2f..%2fetc%2fpasswd"],
)
def test_a_document_that_lies_elsewhere_is_not_fetched(
    attacked: Attacked, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = set()

    def offline(host: str, *_: object, **__: object) -> None:
        asked.add(host)
        raise OSError("no network")

    monkeypatch.setattr("socket.getaddrinfo", offline)
    content = {**attacked.scene.contents["audit"], "report": {"uri": uri, "sha256": "e" * 64}}
    attacked.write([*attacked.scene.sound("audit"), attacked.scene.signed(content)])
    code, document = attacked.check("--fetch-documents")
    assert code == 3
    assert "document_refused" in codes_of(document)
    # Of the other documents.
    assert asked == {"example.org"}


HOSTILE_NAMES = [
    "x\n::stop-commands::tok\n.yaml",
    "x\r\n \t::error::a\n##[error]b.yaml",
    "::add-mask::e.yaml",
    "##[group]x.json",
]


@pytest.mark.parametrize("text", ["kind: bias\nnone: 1\nmore: 2\n", "kind: [\n", "a: 1\na: 2\n", "\x00", ""])
@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_the_name_of_a_file_is_no_command_of_a_runner(
    attacked: Attacked, capsys: Capture, name: str, text: str
) -> None:
    attacked.write(attacked.scene.sound())
    (attacked.target / "evidence" / name).write_text(text)
    capsys.readouterr()
    main(["check", str(attacked.target)])
    _no_commands(capsys.readouterr().err)


def test_an_argument_is_no_command_of_a_runner(attacked: Attacked, capsys: Capture) -> None:
    attacked.write(attacked.scene.sound())
    for hostile in HOSTILE_NAMES:
        for option in (f"--none={hostile}", f"--stage={hostile}", f"--config={hostile}", f"--format={hostile}"):
            # Some options are refused before there is a command, with the same code.
            with pytest.raises(SystemExit, match="2"):
                sys.exit(main(["check", str(attacked.target), option]))
            _no_commands(capsys.readouterr().err)


def _no_commands(said: str) -> None:
    assert said
    assert "##[" not in said
    assert not [line for line in said.splitlines() if line.lstrip().startswith("::")]


def test_a_pipe_instead_of_a_file_is_refused_and_not_waited_for(
    attacked: Attacked, here: Path, capsys: Capture
) -> None:
    attacked.write(attacked.scene.sound())
    os.mkfifo(here / "pipe")
    check, verify = ["check", str(attacked.target)], ["verify", str(attacked.target / "model"), "--verdict", "none"]
    for command in (
        [*check, "--config", "pipe"],
        [*check, "--format", "json=pipe"],
        [*verify, "--require", "pipe"],
        [*verify, "--gate-key", "pipe", "--profile", "x", "--model", "credit"],
    ):
        capsys.readouterr()
        assert main(command) == 2
        assert "pipe" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["x" * 300, "x" * 5000, "none/x", "."])
def test_a_path_that_cannot_be_written_is_no_crash(attacked: Attacked, capsys: Capture, name: str) -> None:
    attacked.write(attacked.scene.sound())
    assert main(["check", str(attacked.target), "--format", f"json={name}"]) == 2
    assert "The report cannot be written" in capsys.readouterr().err
