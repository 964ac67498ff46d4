# SPDX-License-Identifier: Apache-2.0
"""Runs the demo: a server starts while models are trained, the story is told, and everything is cleaned up."""

from __future__ import annotations

import importlib.util
import logging
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from qaqpa.demo.people import People
from qaqpa.demo.server import Server, client_environment
from qaqpa.demo.talk import Talk
from qaqpa.escape import visible

if importlib.util.find_spec("mlflow") is None:
    # Said at once, and without the seconds that importing MLflow takes.
    raise ImportError("mlflow")


def run_demo(keep: bool, out: Console) -> int:  # noqa: FBT001 - called with names
    """Tells the whole story.

    Args:
        keep: leave the server and its directory as they are in the end.
        out: where it is told.

    Returns:
        0 when every step gave what it should, else 1.
    """
    started = time.monotonic()
    talk = Talk(out)
    kept = False
    directory = Path(tempfile.mkdtemp(prefix="qaqpa-demo-"))
    server: Server | None = None
    try:
        with client_environment(), _ended_politely():
            people = People(directory)
            server = Server(directory, people.configuration)
            _tell(talk, server, people)
            _farewell(talk)
            kept = keep
    except Exception as error:  # noqa: BLE001 - the last step of the story, whatever it was
        talk.expect("no error", holds=False, found=f"{type(error).__name__}: {error}")
    finally:
        if not kept:
            if server:
                server.stop()
            shutil.rmtree(directory, ignore_errors=True)
    if kept and server:
        _say_how_to_end(talk, server)
    talk.say(_summary(talk, time.monotonic() - started), "bold red" if talk.differed else "bold green")
    return 1 if talk.differed else 0


def _tell(talk: Talk, server: Server, people: People) -> None:
    talk.say("Qaqpa demo: a real MLflow server on this machine, real data, real signatures, a made-up bank.", "bold")
    with talk.busy("starting an MLflow server with the gate, and training two models meanwhile"):
        # They import MLflow and scikit-learn, which takes seconds: the server starts meanwhile.
        import mlflow  # noqa: PLC0415

        from qaqpa.config import load_config  # noqa: PLC0415
        from qaqpa.demo.bank import Bank  # noqa: PLC0415
        from qaqpa.demo.scene import Scene  # noqa: PLC0415
        from qaqpa.demo.story import Story  # noqa: PLC0415
        from qaqpa.gate import open_engine, open_trust  # noqa: PLC0415

        logging.getLogger("mlflow").setLevel(logging.ERROR)
        bank = Bank()
        _ = bank.balanced, bank.plain
        config = load_config(server.configuration)
        engine, trust = open_engine(config), open_trust(config)
        server.wait()
        mlflow.set_tracking_uri(server.url)
    Story(Scene(talk, bank, people, engine, trust, server.url), server.artifacts).tell()


def _farewell(talk: Talk) -> None:
    talk.step("With a model of your own")
    talk.say("Start a registry with the gate, describe your system, and ask what is missing:")
    for line in (
        "mlflow server --backend-store-uri sqlite:///mlflow.db --registry-store-uri qaqpa+sqlite:///mlflow.db",
        "qaqpa init my-system --model my-model",
        "qaqpa check models:/my-model/1 --registry-uri http://127.0.0.1:5000",
    ):
        talk.shell(line)


def _say_how_to_end(talk: Talk, server: Server) -> None:
    from qaqpa.demo.bank import REGISTERED_MODEL  # noqa: PLC0415 - it imports MLflow

    talk.say(f"The server is still there, at {server.url}/#/models. To ask it yourself, and to end it:")
    talk.shell(f"qaqpa check models:/{REGISTERED_MODEL}/2 --registry-uri {server.url} --config {server.configuration}")
    talk.shell(f"kill {server.process.pid}; rm -r {server.directory}")


def _summary(talk: Talk, seconds: float) -> str:
    if talk.differed:
        lines = "".join(f"\n- {visible(difference, 2000)}" for difference in talk.differed)
        return f"\nNot everything went as it should ({seconds:.0f} s):{lines}"
    return f"\nEvery step gave what it should ({seconds:.0f} s)."


@contextmanager
def _ended_politely() -> Iterator[None]:
    """A request to end (SIGTERM) becomes an exception, so that the server is ended too."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
