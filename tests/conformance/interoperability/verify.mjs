// SPDX-License-Identifier: Apache-2.0
// Verifies envelopes and bundles with @sigstore/verify. Standard input is a JSON list of {envelope, key, keyId} or
// {bundle, key, keyId}, with the public key in PEM; standard output is a JSON list with "good", or the code of the
// refusal, for each.
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { bundleFromJSON } from '@sigstore/bundle';
import { Verifier, toSignedEntity, toTrustMaterial } from '@sigstore/verify';

// Without a transparency log or a timestamp: only the signature is asked about.
const SIGNATURE_ONLY = { ctlogThreshold: 0, tlogThreshold: 0, timestampThreshold: 0 };
const NO_AUTHORITIES = { certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [] };

function around(envelope, keyId) {
  return {
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: { publicKey: { hint: keyId }, tlogEntries: [] },
    dsseEnvelope: envelope,
  };
}

function verdict({ envelope, bundle, key, keyId }) {
  const rawBytes = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const trust = toTrustMaterial(NO_AUTHORITIES, { [keyId]: { rawBytes } });
  try {
    new Verifier(trust, SIGNATURE_ONLY).verify(toSignedEntity(bundleFromJSON(bundle ?? around(envelope, keyId))));
    return 'good';
  } catch (error) {
    return error.code ?? String(error);
  }
}

console.log(JSON.stringify(JSON.parse(readFileSync(0, 'utf8')).map(verdict)));
