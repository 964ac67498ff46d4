# SPDX-License-Identifier: Apache-2.0
"""The command `qaqpa`: finds the command's module, runs it, and turns errors into messages and exit codes."""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence

from qaqpa import __version__
from qaqpa.cli.saying import Parser, say
from qaqpa.errors import ExitCode, QaqpaError
from qaqpa.escape import visible, without_credentials

_COMMANDS = {
    "init": "write qaqpa.yaml, a context and evidence templates for one system",
    "check": "decide about a model version in a registry, or about a directory",
    "explain": "explain a control, a profile, a kind of evidence or a code; without an id, list them",
    "controls": "list the controls, and which profiles ask for them",
    "profiles": "list the profiles, or show what one asks",
    "law": "list the acts that controls rest on, or show the provisions of one",
    "attest": "turn an evidence file into a statement about one model, sign it, and attach it",
    "evidence": "list, show or pull the evidence that is there, and what was refused and why",
    "waive": "make a waiver: a signed, dated exception for named controls of one model version",
    "waivers": "list waivers, and until when they last",
    "override": "break-glass: sign an override, review one that was used, list those that were used",
    "keys": "make a key to sign with, or show the id of one",
    "parties": "make, check, sign or show the parties file, which says whose signature counts",
    "verify": "check a signed verdict against the bytes that are to be served; offline",
    "digest": "print the model digest of a directory or a model version",
    "log": "list, show, verify, checkpoint, announce a key, erase: what is in the decision log",
    "replay": "make a recorded decision again, and compare",
    "tables": "make the tables of the gate and of the decision log ahead, as the owner of a database",
    "policy": "test or build policies of your own",
    "new": "write the files of a new control, to be filled in",
    "doctor": "show what is configured and whether it works",
    "demo": "show the gate at work on a real MLflow server on this machine",
}

_LONGEST = 2000
_EXIT_CODES = "exit codes: 0 allowed, 1 crash, 2 usage or configuration, 3 denied, 4 undecided"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns the exit code.

    Args:
        arguments: without the program's name; those of the process where None.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that lacks a letter must not turn a verdict into a crash.
            stream.reconfigure(errors="backslashreplace")
    try:
        args = _parse(arguments)
        code = int(args.run(args))
        sys.stdout.flush()
    except QaqpaError as error:
        _complain(error)
        return int(error.exit_code)
    except (KeyboardInterrupt, EOFError):
        say("qaqpa: stopped")
        return 130
    except BrokenPipeError:
        # Whoever read the output went away; nothing more can be said, and the decision was not delivered.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.CRASH)
    except Exception as error:
        if os.environ.get("QAQPA_TRACEBACK"):
            raise
        say(f"qaqpa: crashed: {type(error).__name__}: {visible(without_credentials(error))}")
        say("This is a defect of Qaqpa. QAQPA_TRACEBACK=1 shows where.")
        return int(ExitCode.CRASH)
    return code


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = Parser(
        prog="qaqpa",
        description="Keeps a model out of production until the evidence that is asked for is there.",
        epilog=_EXIT_CODES,
    )
    parser.add_argument("--version", action="version", version=f"qaqpa {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    chosen = next((argument for argument in arguments if not argument.startswith("-")), None)
    for name, summary in _COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary, epilog=_EXIT_CODES)
        if name == chosen:
            # Only the chosen command's module is imported, so that starting up stays cheap.
            module = importlib.import_module(f"qaqpa.cli.{name}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser.parse_args(arguments)


def _complain(error: QaqpaError) -> None:
    head = f"{visible(error.where)}: " if error.where and "\n" not in error.found else ""
    lines = error.found.split("\n")
    say(f"qaqpa: {head}{visible(lines[0], _LONGEST)}")
    for line in lines[1:]:
        say(f"       {visible(line, _LONGEST)}")
    if error.required:
        say(f"       required: {visible(error.required, _LONGEST)}")
    if error.mend:
        say(f"       to mend: {visible(error.mend, _LONGEST)}")


if __name__ == "__main__":
    sys.exit(main())
