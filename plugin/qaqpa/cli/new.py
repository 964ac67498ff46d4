# SPDX-License-Identifier: Apache-2.0
"""`qaqpa new control`: the files of a control, to be filled in. As written they pass every check but their own test."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from qaqpa.errors import UsageError
from qaqpa.escape import visible
from qaqpa.evidence.kinds import NO_EVIDENCE, kinds
from qaqpa.resources import POLICIES, TEMPLATES

_ID = re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)+")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,98}[a-z0-9]")
_PROFILE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class _Wanted:
    """What was asked for; `checkout` is true where the directory is that of the shipped policies."""

    control: str
    family: str
    kind: str
    profile: str | None
    directory: Path
    checkout: bool

    @property
    def module(self) -> str:
        """The name of the rule's package and file."""
        return self.control.lower().replace("-", "_")

    @property
    def act(self) -> str:
        """The folder of the act that stands in for those that the control will rest on."""
        return f"fill-in-{self.control.lower()}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    control = actions.add_parser("control", help="write rule, test, card and provision of a new control")
    control.add_argument("id", metavar="ID", help="its id, such as ACME-01")
    control.add_argument("--family", required=True, help="its family, which is the folder of the rule")
    control.add_argument(
        "--evidence", required=True, metavar="KIND", help="the kind of evidence it judges; a new one in a checkout only"
    )
    control.add_argument("--profile", metavar="ID", help="a profile that is to ask for it")
    control.add_argument(
        "--dir",
        type=Path,
        metavar="POLICIES",
        help="directory of policies of your own, made where it is not there; in a checkout its policies by default",
    )


def run(args: argparse.Namespace) -> int:
    """Writes the files, and says what is to be done with them.

    Raises:
        UsageError: a name cannot be used, a file is there already, or a file cannot be written.
    """
    wanted = _wanted(args)
    files = _files(wanted)
    for path in files:
        if path.exists() or path.is_symlink():
            raise UsageError(
                "The file is there already", where=str(path), mend="Nothing was written; choose another id"
            )
    for path, text in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise UsageError(f"The file cannot be written ({error.strerror})", where=str(path)) from error
        print(f"wrote {visible(path, 2000)}")
    print("\nNext:")
    for number, step in enumerate(_steps(wanted, files), 1):
        print(f"{number}. {step}")
    return 0


def _wanted(args: argparse.Namespace) -> _Wanted:
    directory = args.dir or _checkout()
    checkout = (directory / "gate" / "decision.rego").is_file()
    wanted = _Wanted(args.id.upper(), args.family, args.evidence, args.profile, directory, checkout)
    _expect(_ID, wanted.control, "an id of capitals and digits with a hyphen, such as ACME-01")
    _expect(_NAME, wanted.family, "the name of a folder, such as human_oversight")
    _expect(_NAME, wanted.kind, "the name of a kind, such as bias")
    if wanted.profile is not None:
        _expect(_PROFILE, wanted.profile, "the name of a profile, such as my-profile")
    _check_names(wanted)
    return wanted


def _checkout() -> Path:
    """The policies of the checkout that this runs from.

    Raises:
        UsageError: it runs from an installed package, whose policies are not to be changed.
    """
    if not (POLICIES.parent / "pyproject.toml").is_file():
        raise UsageError("Where to write is not known", required="--dir POLICIES, a directory of policies of your own")
    return POLICIES


def _expect(pattern: re.Pattern[str], name: str, required: str) -> None:
    if not pattern.fullmatch(name):
        raise UsageError(f"{name!r} cannot be used", required=required)


def _check_names(wanted: _Wanted) -> None:
    for policies in {POLICIES, wanted.directory}:
        taken = [*policies.glob(f"controls/*/{wanted.module}.rego"), *policies.glob(f"catalog/{wanted.control}")]
        if taken:
            raise UsageError(f"The control {wanted.control} is there already", where=str(taken[0]))
    if wanted.kind in NO_EVIDENCE:
        raise UsageError(f"No control can rest on the kind {wanted.kind!r}", required="another kind of evidence")
    if wanted.kind not in kinds() and not wanted.checkout:
        known = ", ".join(sorted(set(kinds()) - NO_EVIDENCE))
        raise UsageError(
            f"There is no kind of evidence {wanted.kind!r}",
            required=f"one of {known}",
            mend="Kinds are made in a checkout of Qaqpa only, for their schemas are a part of it",
        )
    if wanted.profile and not wanted.checkout and (POLICIES / "profiles" / wanted.profile).exists():
        raise UsageError(
            f"The profile {wanted.profile!r} is a shipped one",
            required="a profile of your own",
            mend="Give it another name; qaqpa.yaml can name both for a stage",
        )


def _files(wanted: _Wanted) -> Mapping[Path, str]:
    """The files to write. A profile that is there already is left as it is."""
    controls = wanted.directory / "controls" / wanted.family
    found = {
        controls / f"{wanted.module}.rego": "rule",
        controls / f"{wanted.module}_test.rego": "test",
        wanted.directory / "catalog" / wanted.control / "data.yaml": "card",
        wanted.directory / "law" / wanted.act / "data.yaml": "law",
    }
    if wanted.profile and not _has_profile(wanted):
        found[_profile_file(wanted)] = "profile"
    if wanted.kind not in kinds():
        found[wanted.directory.parent / "schemas" / "evidence" / f"{wanted.kind}.json"] = "kind"
    return {path: _filled(template, wanted) for path, template in found.items()}


def _filled(template: str, wanted: _Wanted) -> str:
    """A template, in which `@NAME@` stands for a value."""
    values = {
        "@ID@": wanted.control,
        "@MODULE@": wanted.module,
        "@FAMILY@": wanted.family,
        "@KIND@": wanted.kind,
        "@TITLE@": wanted.kind.replace("_", " ").capitalize(),
        "@ACT@": wanted.act,
    }
    text = (TEMPLATES / f"{template}.txt").read_text("utf-8")
    return re.sub(r"@[A-Z]+@", lambda match: values[match[0]], text)


def _profile_file(wanted: _Wanted) -> Path:
    return wanted.directory / "profiles" / str(wanted.profile) / "data.yaml"


def _has_profile(wanted: _Wanted) -> bool:
    return any(_profile_file(wanted).parent.glob("data.*"))


def _steps(wanted: _Wanted, files: Mapping[Path, str]) -> Iterator[str]:
    where = visible(wanted.directory, 2000)
    if wanted.kind not in kinds():
        yield f"Write the schema of {wanted.kind}. Name it kind.{wanted.kind} in plugin/qaqpa/report/texts/*.json."
    yield "Write the rule and its test. The test fails until the rule is written, and the rule denies until then."
    yield "Fill in the card, in all three languages, with a text for every code."
    yield (
        f"Name the provisions that it rests on (`qaqpa law`), and remove {where}/law/{wanted.act}, or fill it in and "
        "rename it."
    )
    if _profile_file(wanted) not in files:
        profile = wanted.profile or "<profile>"
        yield f"Add to {where}/profiles/{profile}/data.yaml, under controls: `{wanted.control}: {{severity: deny}}`."
    yield "`make build`, then `make test`." if wanted.checkout else f"`qaqpa policy test {where}`."
