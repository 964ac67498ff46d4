# SPDX-License-Identifier: Apache-2.0
"""What tests of the engines share: OPA or a visible skip, a snapshot of the policies, a real OPA server."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from qaqpa.policy.bundle import ENTRYPOINT
from qaqpa.policy.compile import build
from qaqpa.policy.opa import PolicyError, find_opa, run_opa
from qaqpa.resources import POLICIES
from support.servers import free_port


def require_opa() -> Path:
    """The OPA binary. Without one the test is skipped, but in CI it fails: there nothing may be left out."""
    try:
        return find_opa()
    except PolicyError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))


def snapshot(into: Path) -> tuple[Path, Path]:
    """A copy of the policies, compiled: (policies, compiled)."""
    require_opa()
    policies, compiled = into / "policies", into / "compiled"
    shutil.copytree(POLICIES, policies)
    build(policies, compiled)
    return policies, compiled


def compiled(policies: Path) -> tuple[bytes, bytes]:
    """What OPA compiles of a folder of policies: (WebAssembly, data). Nothing of ours looks at them before."""
    archive = policies.parent / "b.tar.gz"
    run_opa(["build", "-t", "wasm", "-e", ENTRYPOINT, "-b", policies.name, "-o", str(archive)], policies.parent)
    with tarfile.open(archive) as tar:
        wasm, data = (tar.extractfile(name).read() for name in ("/policy.wasm", "/data.json"))  # type: ignore[union-attr]  # both are files
    return wasm, data


@contextlib.contextmanager
def opa_server(bundle: Path) -> Iterator[str]:
    """The address of a real OPA server that has loaded a bundle."""
    address = f"127.0.0.1:{free_port()}"
    options = ["--log-level", "error", "--skip-version-check"]
    command = [str(require_opa()), "run", "--server", "-a", address, *options, "-b", str(bundle)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(f"http://{address}/health", process)
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=1):
            return
        time.sleep(0.05)
    pytest.fail("the OPA server did not start")
