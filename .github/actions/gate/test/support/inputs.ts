// SPDX-License-Identifier: Apache-2.0
// The inputs as the action reads them, without starting it.
import { vi } from 'vitest'
import { type Inputs, readInputs } from '../../src/inputs.js'
import { defaults } from './runner.js'

/** Reads these inputs; what is not named has its default from action.yml. The target is `governance`. */
export function readGiven(given: Record<string, string>, workspace: string): Inputs {
  vi.stubEnv('GITHUB_WORKSPACE', workspace)
  for (const [name, value] of Object.entries({ ...defaults(), target: 'governance', ...given })) {
    vi.stubEnv(`INPUT_${name.toUpperCase()}`, value)
  }
  try {
    return readInputs()
  } finally {
    vi.unstubAllEnvs()
  }
}
