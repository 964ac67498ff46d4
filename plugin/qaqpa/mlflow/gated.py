# SPDX-License-Identifier: Apache-2.0
"""The veto: MLflow's own registry stores, with the gate before every call that can bring a version into production.

Subclasses, not wrappers: MLflow's base class implements some calls by others on `self`, which a wrapper would not see.
What takes a version out of production is not touched, and so works whatever the gate is able to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

from mlflow.entities.model_registry import ModelVersionTag
from mlflow.entities.model_registry.model_version_stages import STAGE_ARCHIVED, STAGE_NONE, get_canonical_stage
from mlflow.exceptions import MlflowException
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore
from mlflow.store.model_registry.sqlalchemy_workspace_store import WorkspaceAwareSqlAlchemyStore
from mlflow.utils import validation
from mlflow.utils.validation import (
    _validate_model_name,
    _validate_model_renaming,
    _validate_model_version,
)

from qaqpa.config import Config
from qaqpa.mlflow.ahead import AheadMixin
from qaqpa.mlflow.canary import answer_canary, answer_reading
from qaqpa.mlflow.connecting import connections, reading_sessions
from qaqpa.mlflow.denial import fail_closed
from qaqpa.mlflow.envelopes import keep_all, watched
from qaqpa.mlflow.freezing import with_frozen_bytes
from qaqpa.mlflow.guard import TagGuardMixin, check_model, check_version, is_guarded, is_reserved, without_reserved
from qaqpa.mlflow.identity import REGISTERED_BY, registration
from qaqpa.mlflow.in_force import InForce, with_one_gatekeeper
from qaqpa.mlflow.judge import Case, Gatekeeper
from qaqpa.mlflow.pins import expect_model, expect_version, lock, pinned, pinned_whole
from qaqpa.mlflow.recording import Admission
from qaqpa.mlflow.records import PROMPT_SOURCES, ModelRecord, VersionRecord, read_model, read_version, read_versions
from qaqpa.mlflow.stages import is_moving, keep_single, moving
from qaqpa.mlflow.subject import NewVersion, copied_version, location_of, new_registrants, of_new_version, of_version
from qaqpa.mlflow.tables import make_tables

_OUT_OF_PRODUCTION = frozenset({STAGE_NONE, STAGE_ARCHIVED})
# MLflow 3.18 has another name for it.
_validate_alias = getattr(validation, "_validate_model_alias_name", None) or validation._validate_alias_name  # noqa: SLF001
_SAID_BY_MLFLOW = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"})


@dataclass(frozen=True)
class _Judged:
    """Versions as they were judged, and what let them through; None where nothing had to.

    `location` is where the bytes of a version lie that is to be registered.
    """

    records: Sequence[VersionRecord]
    admission: Admission | None = None
    location: str | None = None

    @contextmanager
    def written(self) -> Iterator[None]:
        """For the write: it has to find them as they were judged, and its outcome is recorded."""
        with self.admission.recorded() if self.admission else nullcontext(), pinned(self.records, self.location):
            yield


class GateMixin(TagGuardMixin):
    """Stands before a registry store. Each override judges first, and then leaves the work to MLflow."""

    ManagedSessionMaker: Any

    def __init__(self, db_uri: str, read_db_uri: str | None = None, *, gatekeeper: Gatekeeper | InForce) -> None:
        """Opens the store.

        Args:
            db_uri: the database, without our prefix.
            read_db_uri: a replica for reading, which the gate itself never reads.
            gatekeeper: who judges; one for ever, or the one in force at each call.
        """
        super().__init__(db_uri, read_db_uri=read_db_uri)
        self._in_force: InForce = gatekeeper if isinstance(gatekeeper, InForce) else InForce(gatekeeper)
        make_tables(self.engine)
        self.connected, self.reading = connections(self.engine), reading_sessions(self.engine)
        self.ManagedSessionMaker = watched(self.ManagedSessionMaker, self._keeper)
        with self.ManagedSessionMaker(read_only=False) as session:
            keep_all(session, self._keeper())

    @property
    def _gatekeeper(self) -> Gatekeeper:
        """Who judges the call under way."""
        return self._in_force.judging()

    @property
    def _config(self) -> Config:
        """What is configured, for what needs no judgement."""
        return self._in_force.latest.config

    @with_one_gatekeeper
    @with_frozen_bytes
    def set_registered_model_alias(self, name: str, alias: str, version: int | str) -> None:
        """Points an alias to a version; prompts use this too."""
        with self._fail_closed(name, f"alias {alias} of {name} version {version}"):
            _validate_model_name(name)
            _validate_alias(alias)
            number = int(_validate_model_version(version))
            answer_canary(self, name, alias)
            gates = self._gatekeeper.config.gates_for_alias(name, alias)
            judged = self._admit_version(name, number, f"alias {alias}", gates)
        with judged.written():
            super().set_registered_model_alias(name, alias, number)

    @with_one_gatekeeper
    def get_registered_model(self, name: str) -> Any:
        """Reads a registered model; some names are a question to the gate instead."""
        answer_reading(self, name)
        return super().get_registered_model(name)

    @with_one_gatekeeper
    @with_frozen_bytes
    def transition_model_version_stage(
        self,
        name: str,
        version: int | str,
        stage: str,
        archive_existing_versions: bool,  # noqa: FBT001 - MLflow's signature
    ) -> Any:
        """Moves a version to an MLflow stage."""
        with self._fail_closed(name, f"stage {stage} of {name} version {version}"):
            # Also for MLflow itself, which compares the text with a number: psycopg 3 refuses that.
            number = int(_validate_model_version(version))
            wanted = get_canonical_stage(stage)
            judged = _Judged([])
            if wanted not in _OUT_OF_PRODUCTION:
                _validate_model_name(name)
                gates = self._gatekeeper.config.gates_for_stage(name, wanted)
                judged = self._admit_version(name, number, f"stage {wanted}", gates)
        with judged.written(), moving(name, wanted, self._config):
            return super().transition_model_version_stage(name, number, stage, archive_existing_versions)

    def delete_model_version(self, name: str, version: int | str) -> None:
        """Deletes a version."""
        with moving(name, None, self._config):
            super().delete_model_version(name, version)

    @with_one_gatekeeper
    @with_frozen_bytes
    def create_model_version(  # noqa: PLR0913 - MLflow's signature
        self,
        name: str,
        source: str,
        run_id: str | None = None,
        tags: Any = None,
        run_link: str | None = None,
        description: str | None = None,
        local_model_path: str | None = None,
        model_id: str | None = None,
    ) -> Any:
        """Registers a version. A copy arrives here too, with the source `models:/<name>/<version>`."""
        with self._fail_closed(name, f"registration of {source} in {name}"):
            kept = without_reserved(tags)
            wanted = NewVersion(name, source, run_id, model_id, {tag.key: tag.value for tag in kept})
            judged = self._admit_new(wanted)
            kept += self._registered_by(wanted)
        with judged.written():
            return super().create_model_version(
                name, source, run_id, kept, run_link, description, local_model_path, model_id
            )

    @with_one_gatekeeper
    @with_frozen_bytes
    def copy_model_version(self, src_mv: Any, dst_name: str) -> Any:
        """Copies a version. MLflow makes the target first and hides why a copy is refused; so it is asked before."""
        source = f"models:/{src_mv.name}/{src_mv.version}"
        with self._fail_closed(dst_name, f"registration of {source} in {dst_name}"):
            tags = {key: value for key, value in src_mv.tags.items() if not is_reserved(key)}
            judged = self._admit_new(NewVersion(dst_name, source, src_mv.run_id, src_mv.model_id, tags))
            if judged.admission:
                judged.admission.asked()
        return super().copy_model_version(src_mv, dst_name)

    @with_one_gatekeeper
    @with_frozen_bytes
    def rename_registered_model(self, name: str, new_name: str) -> Any:
        """Renames a registered model; aliases and stages go with it, so all that would be served is judged."""
        action = f"renaming {name} to {new_name}"
        with self._fail_closed(new_name, action):
            _validate_model_renaming(new_name)
            judged = read_versions(self, name)
            admission = self._gatekeeper.admit(new_name, action, self._renamed(judged, new_name))
        with admission.recorded(), pinned_whole(name, judged):
            return super().rename_registered_model(name, new_name)

    def _fail_closed(self, model: str, action: str) -> AbstractContextManager[None]:
        """Refuses a promotion where anything goes wrong, and keeps that in the decision log."""
        return fail_closed(action, lambda: self._gatekeeper.failed(model, action))

    def _get_sql_model_version(self, session: Any, name: str, version: int | str, eager: bool = False) -> Any:  # noqa: FBT001, FBT002 - MLflow's signature
        """A version's row, as MLflow reads it before each write."""
        lock(session, name, always=is_guarded() or is_moving())
        row = super()._get_sql_model_version(session, name, version, eager)
        expect_version(row)
        check_version(session, row)
        keep_single(session, row)
        return row

    def _get_registered_model(self, session: Any, name: str, eager: bool = False) -> Any:  # noqa: FBT001, FBT002 - MLflow's signature
        """A registered model's row, as MLflow reads it before each write."""
        lock(session, name, always=is_guarded())
        row = super()._get_registered_model(session, name, eager)
        expect_model(row)
        check_model(session, row)
        return row

    def _admit_version(self, name: str, version: int, action: str, gates: Any) -> _Judged:
        """Judges a version, and returns it as it was judged; nothing where it is not gated."""
        if not gates:
            return _Judged([])
        record = read_version(self, name, version)
        if self._is_prompt(record.model, record):
            return _Judged([record])
        case = Case(gates, partial(of_version, self, record, self._gatekeeper.config.artifact_roots))
        admission = self._gatekeeper.admit(name, f"{action} of {name} version {version}", [case])
        return _Judged([record], admission)

    def _admit_new(self, wanted: NewVersion) -> _Judged:
        """Judges what is to be registered, and returns the version that it copies, if it does, as it was judged."""
        _validate_model_name(wanted.name)
        gates = self._gatekeeper.config.gates_for_name(wanted.name)
        if not gates or self._is_new_prompt(wanted):
            return _Judged([])
        copied = copied_version(self, wanted)
        location = location_of(wanted, copied)
        roots = self._gatekeeper.config.artifact_roots
        case = Case(gates, partial(of_new_version, self, wanted, copied, location, roots))
        admission = self._gatekeeper.admit(wanted.name, f"registration of {wanted.source} in {wanted.name}", [case])
        return _Judged([copied] if copied else [], admission, location)

    def _registered_by(self, wanted: NewVersion) -> list[Any]:
        """The tag by which the server records who registered a version; none where no login is known."""
        if wanted.source in PROMPT_SOURCES:
            return []
        try:
            copied = copied_version(self, wanted)
        except MlflowException as error:
            if error.error_code not in _SAID_BY_MLFLOW:
                raise
            return []
        logins = new_registrants(copied)
        return [ModelVersionTag(REGISTERED_BY, registration(logins))] if logins else []

    def _is_prompt(self, model: ModelRecord, record: VersionRecord) -> bool:
        """True for a version of a prompt: MLflow marks the registered model, and no version has model bytes.

        The mark alone can be set by anybody, and so can a single version's source.
        """
        if not (record.is_prompt and model.is_marked_prompt):
            return False
        return all(version.is_prompt for version in read_versions(self, model.name))

    def _is_new_prompt(self, wanted: NewVersion) -> bool:
        if wanted.source not in PROMPT_SOURCES:
            return False
        model = read_model(self, wanted.name)
        return model.is_marked_prompt and all(version.is_prompt for version in read_versions(self, wanted.name))

    def _renamed(self, judged: Sequence[VersionRecord], new_name: str) -> Iterator[Case]:
        config = self._gatekeeper.config
        prompts = all(record.is_prompt and record.model.is_marked_prompt for record in judged)
        for record in judged:
            gates = list(config.gates_for_name(new_name))
            if record.stage not in _OUT_OF_PRODUCTION:
                gates += config.gates_for_stage(new_name, record.stage)
            for alias, version in record.model.aliases.items():
                if version == record.version:
                    gates += config.gates_for_alias(new_name, alias)
            once = [gate for number, gate in enumerate(gates) if gate not in gates[:number]]
            if once and not prompts:
                yield Case(once, partial(of_version, self, record, config.artifact_roots, new_name))


class GatedStore(AheadMixin, GateMixin, SqlAlchemyStore):  # type: ignore[misc]
    """MLflow's SQL store behind the gate."""


class GatedWorkspaceStore(AheadMixin, GateMixin, WorkspaceAwareSqlAlchemyStore):  # type: ignore[misc]
    """MLflow's SQL store for servers with workspaces, behind the gate."""
