# SPDX-License-Identifier: Apache-2.0
"""The OPA server as an engine, through `opa-python-client`, with what that client leaves out.

Added here: one deadline for the whole call, bounded retries within it, no redirects, no proxy from the environment, a
limit on the size of the answer, strict builtin errors, and the check that the server evaluates the expected policies.
"""

from __future__ import annotations

import queue
import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from qaqpa.errors import UndecidedError, with_extra
from qaqpa.model import Answer, Json, JsonObject, Verdict
from qaqpa.policy.bundle import ENTRYPOINT, Catalog
from qaqpa.policy.engine import Engine

_ATTEMPTS = 3
_FIRST_PAUSE_SECONDS = 0.05
_RETRIED = frozenset({429, 502, 503, 504})
_MEND_SERVER = "See that the OPA server runs and is reachable; `qaqpa doctor` shows its address"
_MEND_BUNDLE = "Load the bundle that belongs to this installation into the OPA server"
_VERSION = re.compile(r"[0-9A-Za-z.+-]{1,40}", re.ASCII)
_DECISION_ID = re.compile(r"[0-9A-Za-z._-]{1,64}", re.ASCII)
_QUERY = {"strict-builtin-errors": "true", "provenance": "true"}


class OpaServerEngine:
    """Evaluates the policies on an OPA server. Safe for threads."""

    def __init__(  # noqa: PLR0913 - all but the address by name
        self,
        url: str,
        *,
        policy_digest: str,
        catalog: Catalog,
        timeout_seconds: float = 2.0,
        token_file: str | None = None,
        ca_file: str | None = None,
    ) -> None:
        """Prepares a client; nothing is sent yet.

        Args:
            url: `http://host:port` or `https://host:port`.
            policy_digest: digest of the policies that the server must evaluate, the revision of its bundle.
            catalog: cards and profiles of those policies.
            timeout_seconds: how long one decision may take, all retries included.
            token_file: file with a bearer token; read again for every decision, so that it can be rotated.
            ca_file: certificates to trust instead of the system's.

        Raises:
            UndecidedError: the client is not installed, or the address is not one.
        """
        self.policy_digest = policy_digest
        self.catalog = catalog
        self.name = f"opa server {url}"
        self._timeout = timeout_seconds
        self._token_file = token_file
        self._client = _client(url, timeout_seconds, ca_file)

    def evaluate(self, document: JsonObject) -> Answer:
        """The decision document for an input document; see `qaqpa.policy.engine.Engine`.

        Raises:
            UndecidedError: no answer in time, an error, another bundle, or no decision in the answer.
        """
        deadline = time.monotonic() + self._timeout
        try:
            body = _within(self._timeout, lambda: self._ask(document, deadline))
        except UndecidedError:
            raise
        except Exception as error:
            raise self._failed(f"gave no answer ({type(error).__name__}: {_short(error)})") from error
        if not isinstance(body, dict):
            raise self._failed("gave an answer that is not an object")
        self._check_bundle(body)
        if "result" not in body:
            raise self._failed("gave no decision: the rule is undefined there", _MEND_BUNDLE)
        return Answer(body["result"], self.name, self.policy_digest, {"opa": _version(body)}, _decision_id(body))

    def _ask(self, document: JsonObject, deadline: float) -> Json:
        """Asks until there is an answer that is worth having."""
        import requests  # noqa: PLC0415 - comes with the extra `opa`

        package, _, rule = ENTRYPOINT.rpartition("/")
        self._authorise()
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._client.query_rule(document, package, rule, query_params=_QUERY)
            except requests.HTTPError as error:
                status = error.response.status_code if error.response is not None else 0
                if attempt == _ATTEMPTS or status not in _RETRIED:
                    self._refused(status, error.response)
            except requests.ConnectionError as error:
                if attempt == _ATTEMPTS:
                    raise self._failed(f"cannot be reached ({_cause(error)})") from error
            pause = _FIRST_PAUSE_SECONDS * 2**attempt * random.uniform(0.5, 1)  # noqa: S311 - spreads retries only
            if time.monotonic() + pause >= deadline:
                break
            time.sleep(pause)
        raise self._failed("gave no answer in time")

    def _authorise(self) -> None:
        if not self._token_file:
            return
        try:
            token = Path(self._token_file).read_text("utf-8").strip()
        except (OSError, ValueError) as error:
            raise UndecidedError(f"The token cannot be read ({error})", where=self._token_file) from error
        self._client._session.headers["Authorization"] = f"Bearer {token}"  # noqa: SLF001 - the client has no way to

    def _refused(self, status: int, response: Any) -> NoReturn:
        try:
            errors = response.json()
            said = "; ".join(
                f"{entry['code']} at {entry['location']['file']}:{entry['location']['row']}: {entry['message']}"
                for entry in errors.get("errors", [])
            ) or str(errors.get("message", ""))
        except (ValueError, KeyError, TypeError, AttributeError):
            said = ""
        raise self._failed(f"answered {status} {_short(said)}".rstrip())

    def _check_bundle(self, body: JsonObject) -> None:
        provenance = body.get("provenance")
        bundles = provenance.get("bundles") if isinstance(provenance, dict) else None
        entries = bundles.values() if isinstance(bundles, dict) else []
        revisions = sorted(str(entry.get("revision", "")) for entry in entries if isinstance(entry, dict))
        if self.policy_digest not in revisions:
            raise UndecidedError(
                f"The OPA server evaluates other policies: {_short(', '.join(revisions)) or 'no bundle'}",
                where=self.name,
                required=f"a bundle of revision {self.policy_digest}",
                mend=_MEND_BUNDLE,
            )

    def _failed(self, what: str, mend: str = _MEND_SERVER) -> UndecidedError:
        required = f"a decision within {self._timeout} s"
        return UndecidedError(f"The OPA server {what}", where=self.name, required=required, mend=mend)


class ConfirmedEngine:
    """An OPA server whose `allow` counts only where the embedded engine gives the same document."""

    def __init__(self, server: Engine, embedded: Engine) -> None:
        """Pairs the engines.

        Raises:
            UndecidedError: they evaluate different policies.
        """
        if server.policy_digest != embedded.policy_digest:
            raise UndecidedError(
                f"The two engines evaluate different policies ({server.policy_digest}, {embedded.policy_digest})",
                required="the same policy digest",
                mend=_MEND_BUNDLE,
            )
        self.name = server.name
        self.policy_digest = server.policy_digest
        self.catalog = embedded.catalog
        self._server, self._embedded = server, embedded

    def evaluate(self, document: JsonObject) -> Answer:
        """The server's decision document; see `qaqpa.policy.engine.Engine`.

        Raises:
            UndecidedError: the server gave none, or allows what the embedded engine decides otherwise.
        """
        answer = self._server.evaluate(document)
        if not isinstance(answer.document, dict) or answer.document.get("verdict") != Verdict.ALLOW:
            return answer
        confirmed = self._embedded.evaluate(document)
        if confirmed.document != answer.document:
            raise UndecidedError(
                "The OPA server allows, and the embedded engine decides otherwise on the same input"
                f" (decision {answer.decision_id or 'without an id'})",
                where=self.name,
                required="the same decision document from both engines",
                mend="See which OPA version the server runs, and report the input",
            )
        return replace(answer, versions={**confirmed.versions, **answer.versions})


def _client(url: str, seconds: float, ca_file: str | None) -> Any:
    try:
        from qaqpa.policy.transport import open_client  # noqa: PLC0415 - the extra `opa` may be absent
    except ImportError as error:
        raise UndecidedError(
            "The client of the OPA server is not installed", required="the extra `opa`", mend=with_extra("opa")
        ) from error
    return open_client(url, seconds, ca_file)


def _within(seconds: float, call: Callable[[], Json]) -> Json:
    """What a call returns, or a TimeoutError. The client's own time-out is for each read: a trickle would never end.

    A call that takes too long loses its connections, so that its thread ends too.
    """
    from qaqpa.policy.cutting import Call  # noqa: PLC0415 - the extra `opa` may be absent

    outcome: queue.SimpleQueue[tuple[Json, Exception | None]] = queue.SimpleQueue()
    connections = Call()

    def run() -> None:
        connections.entered()
        try:
            outcome.put((call(), None))
        except Exception as error:  # noqa: BLE001 - raised again below, in the caller's thread
            outcome.put((None, error))

    threading.Thread(target=run, daemon=True, name="qaqpa-opa").start()
    try:
        value, error = outcome.get(timeout=seconds)
    except queue.Empty:
        connections.cut()
        raise TimeoutError(f"nothing within {seconds} s") from None
    if error:
        raise error
    return value


def _version(body: JsonObject) -> str:
    """The version that the server says it has."""
    provenance = body.get("provenance")
    found = provenance.get("version") if isinstance(provenance, dict) else None
    return found if isinstance(found, str) and _VERSION.fullmatch(found) else "unknown"


def _decision_id(body: JsonObject) -> str:
    """What the server calls the decision in its own log; empty where that does not look like a name of it."""
    found = body.get("decision_id")
    return found if isinstance(found, str) and _DECISION_ID.fullmatch(found) else ""


def _cause(error: BaseException) -> str:
    """The innermost reason of an error that wraps others."""
    while error.__context__ is not None:
        error = error.__context__
    return _short(error)


def _short(text: object) -> str:
    return str(text)[:500]
