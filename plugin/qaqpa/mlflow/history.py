# SPDX-License-Identifier: Apache-2.0
"""What the server's own record of signed evidence adds to what a version and its neighbours carry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from qaqpa.errors import UndecidedError
from qaqpa.evidence.carriers import Carried
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.kinds import SYSTEM
from qaqpa.evidence.pieces import read_statement
from qaqpa.evidence.statement import Statement
from qaqpa.evidence.verify import signatures
from qaqpa.mlflow.breakglass import Known
from qaqpa.mlflow.envelopes import Kept, by_payload, of_context, of_model, of_name, of_statement, read
from qaqpa.mlflow.guard import Keeper

_SOURCE = "the server's record of what was signed"


def recorded(  # noqa: PLR0913 - each argument is a part of the question
    session: Any,
    keeper: Keeper | None,
    workspace: str,
    name: str,
    digest: str | None,
    carried: Sequence[Carried],
) -> list[Carried] | None:
    """Signed evidence about these bytes, this name or its systems that is not carried; None where it is too much.

    Args:
        session: the registry's primary database.
        keeper: the parties file; None where none is configured.
        workspace: of the registered model.
        name: under which the version would be served.
        digest: the model digest, where there is one.
        carried: what tags carry.
    """
    held = _signatures(carried)
    contexts = set(_context_digests(carried))
    found: dict[str, Kept] = {}

    def look(subjects: Iterable[str]) -> bool:
        kept = read(session, subjects, keeper, held)
        found.update({one.statement.id: one for one in kept or ()})
        return kept is not None

    known = set(contexts)
    subjects = [of_name(workspace, name), *([of_model(digest)] if digest else [])]
    complete = look([*subjects, *map(of_context, contexts), *map(of_statement, held)])
    # Mostly nothing is kept that is not carried, and then this was the only question to the database.
    asked: set[str] = set(held)
    while found.keys() - asked:
        new = found.keys() - asked
        asked |= new
        systems = (found[payload].statement for payload in new)
        contexts |= {one.context_digest for one in systems if one.kind.name == SYSTEM and one.context_digest}
        complete = look([*map(of_context, contexts - known), *map(of_statement, new)]) and complete
        known |= contexts
    if not complete:
        return None
    return [
        Carried(_SOURCE, kept.text, kept.statement.kind.name)
        for kept in (found[payload] for payload in sorted(found))
        if not _is_of_another_system(kept.statement, contexts)
    ]


def about_overrides(store: Any, statements: Iterable[str]) -> Known:
    """Reviews of overrides, and what takes these back, with those who signed the overrides.

    Args:
        store: the registry, with the gate in front.
        statements: SHA-256 of the payloads of overrides.

    Raises:
        MlflowException: the database does not answer.
        UndecidedError: there are too many to read.
    """
    wanted = sorted(set(statements))
    with store.connected() as session:
        keeper = store._keeper()  # noqa: SLF001 - a part of the same store
        reviews = read(session, map(of_statement, wanted), keeper)
        back = read(session, (of_statement(one.statement.id) for one in reviews or ()), keeper)
        if reviews is None or back is None:
            raise UndecidedError("More is kept about overrides of this model than can be read")
        parties = keeper.parties if keeper else None
        signers = {
            one.statement.id: {(good.person.id, good.person.unit) for good in signatures([one.envelope], parties)}
            for one in (by_payload(session, wanted) if parties else ())
            if parties
        }
    return Known([Carried(_SOURCE, one.text, one.statement.kind.name) for one in (*reviews, *back)], signers)


def _signatures(carried: Iterable[Carried]) -> dict[str, set[tuple[str, bytes]]]:
    """The signatures that are carried, by payload."""
    found: dict[str, set[tuple[str, bytes]]] = {}
    for one in carried:
        try:
            statement, envelope = read_statement(one.text)
        except StatementError:
            continue
        found.setdefault(statement.id, set()).update(envelope.signatures if envelope else ())
    return found


def _context_digests(carried: Iterable[Carried]) -> Iterator[str]:
    """The digests of the contexts that are carried."""
    for one in carried:
        try:
            statement, _ = read_statement(one.text)
        except StatementError:
            continue
        if statement.kind.name == SYSTEM and statement.context_digest:
            yield statement.context_digest


def _is_of_another_system(statement: Statement, contexts: set[str]) -> bool:
    """True for what would be refused as about another context, of which bytes that many systems use have many."""
    return bool(contexts and statement.model_digest and statement.context_digest not in {None, *contexts})
