#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Deploys one model version on this machine: verifies, keeps what was verified, and only then switches over.
#
#   deploy.sh TARGET VERDICT REQUIREMENTS RELEASES [COMMAND …]
#
# TARGET is models:/name/7 or a directory. The files go to a new directory below RELEASES; RELEASES/current then names
# it, and COMMAND, such as `systemctl restart credit`, is run. Whatever fails before that leaves `current` as it was.
set -euo pipefail

if [ "$#" -lt 4 ]; then
  echo "usage: deploy.sh TARGET VERDICT REQUIREMENTS RELEASES [COMMAND …]" >&2
  exit 2
fi
target=$1 verdict=$2 requirements=$3 releases=$4
shift 4

mkdir -p "$releases"
release=$(date -u +%Y%m%dT%H%M%SZ)-$$
# Exit codes: 3 where a requirement is not met, 4 where nothing could be verified. Both end the job here.
qaqpa verify "$target" --verdict "$verdict" --require "$requirements" --into "$releases/$release"
# The verdict stays with the files, so that a restart can ask again.
cp "$verdict" "$releases/$release.verdict.json"

ln -s "$release" "$releases/.next-$$"
mv -T "$releases/.next-$$" "$releases/current"
if [ "$#" -gt 0 ]; then
  "$@"
fi
