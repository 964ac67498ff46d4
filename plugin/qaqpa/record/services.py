# SPDX-License-Identifier: Apache-2.0
"""A gate's key that never leaves its service or device: the signers of securesystemslib, as `SigningKey`.

It reaches AWS, Azure and Google Cloud KMS, HashiCorp Vault, and whatever speaks PKCS#11.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from securesystemslib.exceptions import UnsupportedLibraryError
from securesystemslib.signer import Signer, SSlibKey

from qaqpa.errors import UndecidedError, UsageError
from qaqpa.escape import visible
from qaqpa.evidence.keys import PublicKey, SigningKey, fingerprint

_EXTRAS = {"awskms": "awskms", "azurekms": "azurekms", "gcpkms": "gcpkms", "hsm": "hsm", "hv": "vault"}


class ServiceKey:
    """A key of a service. What it signs is verified by whoever asked, so that it need not be believed."""

    def __init__(self, signer: Signer, public: PublicKey) -> None:
        self._signer = signer
        self._public = public

    @property
    def public_key(self) -> PublicKey:
        """The public half."""
        return self._public

    @cached_property
    def key_id(self) -> str:
        """OpenSSH's SHA-256 fingerprint of the public half."""
        return fingerprint(self._public)

    def sign(self, data: bytes) -> bytes:
        """A signature over data; the service's own error where it gives none."""
        return bytes.fromhex(self._signer.sign(data).signature)


def is_service(name: str) -> bool:
    """True for the URI of a key in a service, such as `awskms:…`, and not for a file."""
    return name.partition(":")[0] in _EXTRAS and ":" in name


def open_service_key(uri: str, public: PublicKey, secret: Callable[[], bytes]) -> SigningKey:
    """A key in a service.

    Args:
        uri: as securesystemslib takes it: `awskms:<key id>`, `azurekms://…`, `gcpkms:projects/…`, `hsm:<id>?label=…`,
            `hv:<name>/<version>`.
        public: its public half, which nobody takes from the service.
        secret: is asked for the PIN of a device that wants one.

    Raises:
        UsageError: the library that reaches the service is missing.
        UndecidedError: the service does not answer as it must.
    """
    try:
        own = SSlibKey.from_crypto(public, keyid=fingerprint(public))
        signer = Signer.from_priv_key_uri(uri, own, lambda _: secret().decode())
    except (UnsupportedLibraryError, ImportError) as error:
        extra = _EXTRAS[uri.partition(":")[0]]
        raise UsageError(
            "The library that reaches this service is missing",
            where=visible(uri),
            mend=f"pip install 'securesystemslib[{extra}]'",
        ) from error
    except Exception as error:
        # Each service has errors of its own.
        raise UndecidedError(f"The key cannot be opened ({type(error).__name__})", where=visible(uri)) from error
    return ServiceKey(signer, public)
