# SPDX-License-Identifier: Apache-2.0
"""The command as a whole: exit codes, messages, what it imports."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from qaqpa import __version__
from qaqpa.cli import check
from qaqpa.cli import main as module
from qaqpa.cli.main import main
from qaqpa.errors import ExitCode, QaqpaError

PYTHON = sys.executable


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [PYTHON, "-c", "import sys; from qaqpa.cli.main import main; sys.exit(main())", *arguments]
    environment = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["check", "--help"], ["init", "-h"]])
def test_help_and_version_exit_with_0(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 0
    assert "qaqpa" in capsys.readouterr().out


def test_help_names_every_command_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    commands = (
        "init",
        "check",
        "explain",
        "controls",
        "profiles",
        "law",
        "attest",
        "digest",
        "policy",
        "new",
        "doctor",
    )
    assert all(f" {command} " in text for command in commands)
    assert "0 allowed, 1 crash, 2 usage or configuration, 3 denied, 4 undecided" in text


@pytest.mark.parametrize(
    "arguments", [[], ["nonsense"], ["check"], ["check", ".", "--nonsense"], ["check", ".", "--stage", "live"]]
)
def test_a_wrong_command_exits_with_2(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == ExitCode.USAGE
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("command", sorted(module._COMMANDS))
def test_every_command_has_a_module_with_help(capsys: pytest.CaptureFixture[str], command: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert module._COMMANDS[command] in " ".join(capsys.readouterr().out.split())


def test_a_crash_exits_with_1_and_shows_no_traceback(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(_config: object) -> None:
        raise ZeroDivisionError("\x1b[31mboom")

    monkeypatch.setattr(check, "open_engine", crash)
    assert main(["check", str(here)]) == ExitCode.CRASH
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[0] == "qaqpa: crashed: ZeroDivisionError: \\u001b[31mboom"
    assert "Traceback" not in err
    monkeypatch.setenv("QAQPA_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        main(["check", str(here)])


def test_an_interrupt_is_no_crash(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_config: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(check, "open_engine", stop)
    assert main(["check", str(here)]) == 130
    assert capsys.readouterr().err == "qaqpa: stopped\n"


def test_an_error_says_where_what_is_required_and_how_to_mend_it(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_config: object) -> None:
        raise QaqpaError("Found \x1b[31m", where="a\nb", required="r\x07", mend="m\u202e")

    monkeypatch.setattr(check, "open_engine", fail)
    assert main(["check", str(here)]) == ExitCode.USAGE
    assert capsys.readouterr().err == (
        "qaqpa: a\\u000ab: Found \\u001b[31m\n       required: r\\u0007\n       to mend: m\\u202e\n"
    )


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["explain"], ["digest", "."], ["check", "."], ["doctor"]]
)
def test_starting_imports_neither_mlflow_nor_requests(here: Path, arguments: list[str]) -> None:
    (here / "evidence").mkdir()
    (here / "evidence" / "a.yaml").write_text("kind: decision_flow\nautomation_level: advisory\n", encoding="utf-8")
    (here / "context.yaml").write_text(
        "kind: system\nsystem_id: '00000000000000000000000000000000'\nversion: 1\nmodels: [{name: credit}]\n",
        encoding="utf-8",
    )
    (here / "evidence" / "a.yaml").write_text(
        "kind: decision_flow\nautomation_level: advisory\nauto_finalisation_possible: false\n", encoding="utf-8"
    )
    script = (
        # A library that signs imports boto3 wherever it is; it comes with what tests need for buckets.
        "import sys; sys.modules['boto3'] = None; from qaqpa.cli.main import main\n"
        "try: code = main(sys.argv[1:])\n"
        "except SystemExit as stop: code = stop.code\n"
        "heavy = {'mlflow', 'requests', 'urllib3', 'sqlalchemy', 'numpy', 'pandas', 'flask'} & set(sys.modules)\n"
        "print(f'code {code} heavy {sorted(heavy)}', file=sys.stderr)\n"
    )
    done = subprocess.run(
        [PYTHON, "-c", script, *arguments], capture_output=True, text=True, timeout=60, check=True, cwd=here
    )
    expected = ExitCode.DENIED if arguments[0] == "check" else ExitCode.ALLOWED
    # Whether the log works cannot be told without its database.
    heavy = ["sqlalchemy"] if arguments == ["doctor"] else []
    assert done.stderr.splitlines()[-1] == f"code {int(expected)} heavy {heavy}"


def test_the_installed_command_runs_in_a_process_of_its_own() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"qaqpa {__version__}\n", "")
    done = run("explain", "NOPE-1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("qaqpa: There is no control or profile 'NOPE-1'")
    assert "Traceback" not in done.stderr


def test_a_terminal_that_knows_no_such_letters_is_no_crash(here: Path) -> None:
    assert main(["init", "--model", "\u049b\u0430\u0440\u044b\u0437"]) == 0
    done = run("check", str(here), PYTHONIOENCODING="ascii")
    assert done.returncode == ExitCode.DENIED, done.stderr
    assert "\\u2717 AUD-01" in done.stdout
    done = run("check", str(here), "--profile", "\u049b", PYTHONIOENCODING="ascii")
    assert done.returncode == ExitCode.USAGE
    assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away_is_not_told_that_all_is_well() -> None:
    script = "import sys; from qaqpa.cli.main import main; sys.exit(main(['explain']))"
    process = subprocess.Popen([PYTHON, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout and process.stderr  # noqa: PT018 - for the type checker
    process.stdout.close()
    complaint = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(timeout=60) == ExitCode.CRASH
    assert "Traceback" not in complaint
