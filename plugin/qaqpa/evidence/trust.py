# SPDX-License-Identifier: Apache-2.0
"""Whether a parties file counts: enough trusted root keys signed it, it is in date, and no higher version was seen.

The fingerprints of the trusted root keys are configuration. The keys themselves stand in the file, which cannot lie
about them: a key with another fingerprint is not trusted.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from qaqpa import times
from qaqpa.config import PartiesSource
from qaqpa.documents import MAX_BYTES, DocumentError, parse_yaml
from qaqpa.errors import UndecidedError
from qaqpa.evidence.envelope import SignedPayload, parse_envelope, signed_by
from qaqpa.evidence.errors import StatementError
from qaqpa.evidence.keys import fingerprint
from qaqpa.evidence.parties import Parties, parse_parties
from qaqpa.evidence.seen import SeenVersions, StateError, Version

PARTIES_TYPE = "application/vnd.qaqpa.parties.v1+yaml"
"""The payload type of a signed parties file, whose payload is the exact bytes of parties.yaml."""

MAX_LIFE = timedelta(days=90)
"""Longest time that the end of a parties file may lie ahead."""

MAX_SIGNED_BYTES = 2 * MAX_BYTES
"""Largest signed parties file that is read, in bytes; base64 makes a third more of the file inside."""

_MEND_SIGN = "`qaqpa parties sign` signs a parties file; `qaqpa parties show` shows one"


class TrustError(UndecidedError):
    """No parties file is in force; `code` is stable and says why."""

    def __init__(self, code: str, found: str, *, where: str = "", required: str = "", mend: str = "") -> None:
        super().__init__(found, where=where, required=required, mend=mend)
        self.code = code


@dataclass(frozen=True)
class SignedParties:
    """A signed parties file, read and not yet trusted.

    `signed_by` holds the fingerprints of those of its own root keys that signed it.
    """

    parties: Parties
    envelope: SignedPayload
    signed_by: frozenset[str]


class Trust:
    """Answers which parties file is in force. The file is read each time, so that another one is noticed."""

    def __init__(self, source: PartiesSource) -> None:
        self._source = source
        self._seen = SeenVersions(source.state, source.roots) if source.state else None

    def parties(self, now: datetime) -> Parties:
        """The parties file in force.

        Args:
            now: the moment of the decision, UTC.

        Raises:
            TrustError: with code `parties_missing`, `parties_unreadable`, `parties_signatures`, `parties_expired`,
                `parties_too_long`, `parties_rolled_back`, `parties_conflict` or `parties_state`.
        """
        source = self._source
        found = read_signed(source.file)
        check_signatures(found, source)
        check_dates(found.parties, now, str(source.file))
        if found.parties.version < source.minimum_version:
            raise _rolled_back(found.parties.version, source.minimum_version, "configuration asks for", source.file)
        if self._seen:
            self._remember(Version(found.parties.version, found.envelope.id), self._seen)
        return found.parties

    def _remember(self, version: Version, seen: SeenVersions) -> None:
        try:
            highest = seen.highest_with(version)
        except StateError as error:
            raise TrustError(
                "parties_state",
                f"Which version of the parties file was seen last cannot be told: {error.found}",
                where=error.where,
                mend="Give the gate a directory of its own that it can write, as parties.state",
            ) from error
        if highest.number > version.number:
            raise _rolled_back(version.number, highest.number, "highest version seen is", self._source.file)
        if highest != version:
            raise TrustError(
                "parties_conflict",
                f"There are two different parties files of version {version.number}",
                where=str(self._source.file),
                required="a higher version for every change",
            )


def read_signed(path: Path) -> SignedParties:
    """Reads a signed parties file without asking whether its root keys are trusted.

    Raises:
        TrustError: with code `parties_missing` or `parties_unreadable`.
    """
    found = _parsed(_bytes(path))
    if isinstance(found, SignedParties):
        return found
    raise TrustError("parties_unreadable", found, where=str(path), mend=_MEND_SIGN)


def check_signatures(found: SignedParties, source: PartiesSource) -> None:
    """Refuses a file that too few of the trusted root keys signed.

    Raises:
        TrustError: with code `parties_signatures`.
    """
    trusted = found.signed_by & set(source.roots)
    if not 0 < source.threshold <= len(trusted):
        raise TrustError(
            "parties_signatures",
            f"{len(trusted)} of the trusted root keys signed the parties file",
            where=str(source.file),
            required=f"signatures of {source.threshold} of {', '.join(source.roots)}",
            mend="`qaqpa parties sign` adds a signature",
        )


def check_dates(parties: Parties, now: datetime, where: str) -> None:
    """Refuses a file that has ended, or that ends too far away.

    Raises:
        TrustError: with code `parties_expired` or `parties_too_long`.
    """
    ends = times.render(parties.expires)
    if parties.expires <= now:
        raise TrustError(
            "parties_expired",
            f"The parties file ended on {ends}",
            where=where,
            mend="Give it a higher version and a later end, and have it signed again",
        )
    if parties.expires - now > MAX_LIFE:
        raise TrustError(
            "parties_too_long",
            f"The parties file ends on {ends}, too far away",
            where=where,
            required=f"at most {MAX_LIFE.days} days from now",
        )


def _rolled_back(version: int, least: int, why: str, path: Path) -> TrustError:
    return TrustError(
        "parties_rolled_back",
        f"The parties file has version {version}, and the {why} {least}",
        where=str(path),
        required=f"version {least} or higher",
    )


def _bytes(path: Path) -> bytes:
    """The file, whole; opening never waits, not even for a pipe."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            raw = file.read(MAX_SIGNED_BYTES + 1) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    except FileNotFoundError as error:
        raise TrustError("parties_missing", "The parties file is missing", where=str(path), mend=_MEND_SIGN) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise TrustError(
            "parties_unreadable", f"The parties file cannot be read ({reason})", where=str(path)
        ) from error
    if raw is None:
        raise TrustError("parties_unreadable", "This is no file", where=str(path))
    if len(raw) > MAX_SIGNED_BYTES:
        raise TrustError(
            "parties_unreadable",
            "The parties file is too large",
            where=str(path),
            required=f"at most {MAX_SIGNED_BYTES} bytes",
        )
    return raw


# The same file is read at every decision; what it says does not change. What is wrong with it is remembered too, so
# that a broken one does not cost its whole parsing each time.
@lru_cache(maxsize=8)
def _parsed(raw: bytes) -> SignedParties | str:
    try:
        signed = parse_envelope(raw.decode("utf-8"))
    except (StatementError, UnicodeDecodeError) as error:
        detail = error.detail if isinstance(error, StatementError) else "It is not UTF-8."
        return f"This is no signed parties file: {detail}"
    if signed.payload_type != PARTIES_TYPE:
        return f"This is signed as {signed.payload_type!r} and is no parties file"
    if len(signed.payload) > MAX_BYTES:
        return f"The parties file inside is larger than {MAX_BYTES} bytes"
    try:
        parties = parse_parties(parse_yaml(signed.payload.decode("utf-8-sig"), "payload"))
    except UnicodeDecodeError:
        return "The parties file inside is not UTF-8"
    except DocumentError as error:
        found = f"{error.where}: {error.found}" if error.where else error.found
        return f"The parties file inside is wrong: {'; '.join(found.splitlines())}"
    signers = frozenset(fingerprint(root) for root in parties.root_keys if signed_by(signed, root))
    return SignedParties(replace(parties, digest=signed.id), signed, signers)
