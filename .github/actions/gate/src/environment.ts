// SPDX-License-Identifier: Apache-2.0

/** Files in which a step answers the runner, and tokens of the run: nothing of it is the command's business. */
const WITHHELD =
  /^(INPUT_|ACTIONS_|PYTHON(?!DONTWRITEBYTECODE$))|^GITHUB_(ENV|OUTPUT|PATH|STATE|STEP_SUMMARY|TOKEN)$|^GH_TOKEN$/i

/**
 * The environment for a command: the step's, without what would let it speak to the runner in our name, without tokens,
 * and without what would make Python load other code.
 */
export function environment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name]) => !WITHHELD.test(name))
  return { ...Object.fromEntries(kept as [string, string][]), NO_COLOR: '1' }
}
