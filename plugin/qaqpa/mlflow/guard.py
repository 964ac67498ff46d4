# SPDX-License-Identifier: Apache-2.0
"""What clients may change in tags, and what they may delete.

Tags named `qaqpa.*` are the server's own, but for those that carry evidence. Evidence that somebody signed whom the
parties file lists is kept, whatever else is wrong with it: a failed audit must not vanish. Everything else can be
overwritten and deleted by whoever MLflow lets. Each rule is checked in the transaction that writes, under a lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from typing import Any

from mlflow.store.model_registry.abstract_store import AbstractStore
from mlflow.store.model_registry.dbmodels.models import SqlModelVersionTag, SqlRegisteredModelTag

from qaqpa.config.records import fold
from qaqpa.escape import visible
from qaqpa.evidence.carriers import TAG_PREFIX, tag_key
from qaqpa.evidence.envelope import SignedPayload, parse_envelope
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.parties import Parties
from qaqpa.evidence.pieces import read_statement
from qaqpa.evidence.verify import signatures
from qaqpa.mlflow import metrics
from qaqpa.mlflow.denial import RefusedError, fail_closed, log
from qaqpa.mlflow.identity import acting_user
from qaqpa.model import Problem, Verdict

RESERVED = "qaqpa."
"""Tags with this prefix are not the client's, unless they carry evidence."""

_KEPT_TAG = (
    "Qaqpa: the tag {key} is kept: it holds evidence that somebody signed whom the parties file lists. Its signers can "
    "withdraw it, and others can sign it too. Nothing was changed."
)
_KEPT = (
    "Qaqpa: {what} is not deleted: it holds evidence that somebody signed whom the parties file lists, in the tag "
    "{key}. To take a version out of use, archive it, or remove the alias. Nothing was changed."
)
_RESERVED = (
    "Qaqpa: the tag {key} is not changed: only the server writes tags that begin with qaqpa. Nothing was changed."
)


def is_reserved(key: Any) -> bool:
    """True for a tag that only the server writes; some databases compare names without regard to case."""
    return isinstance(key, str) and fold(key).startswith(RESERVED) and not key.startswith(TAG_PREFIX)


def without_reserved(tags: Iterable[Any] | None) -> list[Any]:
    """MLflow's tags, without those that only the server writes."""
    return [tag for tag in tags or [] if not is_reserved(tag.key)]


@dataclass(frozen=True)
class Keeper:
    """Tells which envelopes are kept. `parties` is None where a parties file is configured and cannot be used."""

    parties: Parties | None

    def keeps(self, envelope: SignedPayload, key: str, value: str) -> bool:
        """True for one with a good signature by a listed key, in its own tag; for all while nobody can tell."""
        return self.parties is None or (bool(self._good(envelope)) and _is_at_home(key, value))

    def vouched(self, envelope: SignedPayload) -> SignedPayload | None:
        """The envelope with good signatures by listed keys only, None without any; while nobody can tell, as it is."""
        if self.parties is None:
            return envelope
        good = self._good(envelope)
        pairs = tuple(pair for pair in envelope.signatures if pair[0] in good)
        return replace(envelope, signatures=pairs) if pairs else None

    def may_follow(self, envelope: SignedPayload, text: str | None) -> bool:
        """True where a tag's next value holds the same payload, and all good signatures that are there already."""
        following = _envelope(text)
        if following is None or (following.payload_type, following.payload) != (
            envelope.payload_type,
            envelope.payload,
        ):
            return False
        if set(envelope.signatures) <= set(following.signatures):
            return True
        return self.parties is not None and self._good(envelope) <= self._good(following)

    def _good(self, envelope: SignedPayload) -> set[str]:
        return {found.key.id for found in signatures([envelope], self.parties)} if self.parties else set()


@dataclass(frozen=True)
class _Write:
    """A write that is under way: to one tag, or, where `key` is None, to a whole version or registered model."""

    keeper: Callable[[], Keeper | None]
    what: str
    key: str | None = None
    value: str | None = None

    def check(self, tags: Iterable[tuple[str, str]]) -> None:
        for key, value in tags:
            envelope = _envelope(value)
            keeper = self.keeper() if envelope else None
            if (
                envelope
                and keeper
                and keeper.keeps(envelope, key, value)
                and not keeper.may_follow(envelope, self.value)
            ):
                raise refusal("evidence_kept", (_KEPT_TAG if self.key else _KEPT).format(what=self.what, key=key))


def _is_at_home(key: str, value: str) -> bool:
    """True for a statement in the one tag that belongs to it: with copies elsewhere, anybody could fill a model."""
    try:
        statement, signed = read_statement(value)
    except StatementError:
        return False
    return signed is not None and key == tag_key(statement.kind, signed.payload)


_write: ContextVar[_Write | None] = ContextVar("qaqpa_write", default=None)


def is_guarded() -> bool:
    """True while a write is under way that has to be checked."""
    return _write.get() is not None


def check_version(session: Any, row: Any) -> None:
    """Checks the write that is under way against the tags of a version.

    Raises:
        RefusedError: it would take away what is kept.
    """
    write, tag = _write.get(), SqlModelVersionTag
    if write:
        own = (tag.workspace == row.workspace, tag.name == row.name, tag.version == row.version)
        _check(write, session, tag, own)


def check_model(session: Any, row: Any) -> None:
    """Checks the write that is under way against the tags of a registered model; with it, its versions would go.

    Raises:
        RefusedError: it would take away what is kept.
    """
    write = _write.get()
    if write is None:
        return
    for tag in [SqlRegisteredModelTag] if write.key else [SqlRegisteredModelTag, SqlModelVersionTag]:
        _check(write, session, tag, (tag.workspace == row.workspace, tag.name == row.name))


class TagGuardMixin(AbstractStore):  # type: ignore[misc]  # MLflow ships no types
    """Stands before the calls of a registry store that change tags, or delete what carries them."""

    _in_force: Any

    def set_model_version_tag(self, name: str, version: int | str, tag: Any) -> None:
        """Sets a tag of a version."""
        with self._guarded(f"version {version} of {name}", tag.key, tag.value):
            super().set_model_version_tag(name, version, tag)

    def delete_model_version_tag(self, name: str, version: int | str, key: str) -> None:
        """Deletes a tag of a version."""
        with self._guarded(f"version {version} of {name}", key):
            super().delete_model_version_tag(name, version, key)

    def set_registered_model_tag(self, name: str, tag: Any) -> None:
        """Sets a tag of a registered model."""
        with self._guarded(name, tag.key, tag.value):
            super().set_registered_model_tag(name, tag)

    def delete_registered_model_tag(self, name: str, key: str) -> None:
        """Deletes a tag of a registered model."""
        with self._guarded(name, key):
            super().delete_registered_model_tag(name, key)

    def delete_model_version(self, name: str, version: int | str) -> None:
        """Deletes a version."""
        with _under_way(_Write(self._keeper, f"version {version} of {name}")):
            super().delete_model_version(name, version)

    def delete_registered_model(self, name: str) -> None:
        """Deletes a registered model with all its versions."""
        with _under_way(_Write(self._keeper, name)):
            super().delete_registered_model(name)

    def create_registered_model(
        self, name: str, tags: Any = None, description: str | None = None, deployment_job_id: str | None = None
    ) -> Any:
        """Makes a registered model, without the tags that only the server writes."""
        return super().create_registered_model(name, without_reserved(tags), description, deployment_job_id)

    @contextmanager
    def _guarded(self, what: str, key: Any, value: Any = None) -> Iterator[None]:
        """Refuses a change of the server's own tags, and has a change of evidence checked where it is written."""
        if is_reserved(key):
            raise refusal("reserved_tag", _RESERVED.format(key=key))
        if not isinstance(key, str) or not key.startswith(TAG_PREFIX):
            yield
            return
        # Not in the transaction: building another gatekeeper takes time.
        self._in_force.fresh()
        with _under_way(_Write(self._keeper, what, key, value)):
            yield

    def _keeper(self) -> Keeper | None:
        """Tells what is kept; None where no parties file is configured."""
        parties, problems = self._in_force.latest.trusted()
        return Keeper(parties) if parties or problems else None


@contextmanager
def _under_way(write: _Write) -> Iterator[None]:
    token = _write.set(write)
    try:
        yield
    finally:
        _write.reset(token)


def _check(write: _Write, session: Any, tag: Any, own: Iterable[Any]) -> None:
    # The database itself says which key is the same one: it may compare without regard to case.
    chosen = tag.key.startswith(TAG_PREFIX, autoescape=True) if write.key is None else tag.key == write.key
    with fail_closed(f"a change of evidence of {write.what}"):
        write.check(session.query(tag.key, tag.value).filter(*own, chosen).yield_per(100))


def _envelope(text: str | None) -> SignedPayload | None:
    try:
        return parse_envelope(text) if text else None
    except StatementError:
        return None


def refusal(code: str, message: str) -> RefusedError:
    """The error by which a write is refused that no policy is asked about; it is logged too.

    Args:
        code: names the reason.
        message: one line.
    """
    shown = visible(message, 2000)
    who = visible(acting_user() or "somebody not logged in")
    fields = {"event": "refused", "codes": [code], "user": acting_user()}
    log.warning("qaqpa: refused, asked by %s. %s", who, shown, extra={"qaqpa": fields})
    metrics.refused(code)
    problem = asdict(Problem(code, shown))
    return RefusedError(
        message, {"verdict": Verdict.DENY.value, "mode": "enforce", "findings": [], "problems": [problem]}
    )
