// SPDX-License-Identifier: Apache-2.0
// Calls `qaqpa check` and hands back its files. What they say is not believed here: see answer.ts.
import { mkdtempSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { environment } from './environment.js'
import { Failure } from './failure.js'
import type { Inputs } from './inputs.js'
import { temporary } from './install.js'
import { type Ended, supervise } from './process.js'

/** Reports are kilobytes. */
const MAX_BYTES = 64 * 1024 * 1024

/** How the command ended, and the files it was asked to write. */
export interface Ran extends Ended {
  json: string
  sarif: string
  markdown: string
}

/**
 * Runs `qaqpa check` as the inputs ask.
 *
 * @throws Failure it cannot be started, does not end in time, or is cancelled.
 */
export async function check(command: readonly string[], inputs: Inputs, cancelled: AbortSignal): Promise<Ran> {
  // New and empty, so that no report of another run can be taken for this one's.
  const directory = mkdtempSync(path.join(temporary(), 'qaqpa-report-'))
  const files = {
    json: path.join(directory, 'report.json'),
    sarif: path.join(directory, 'report.sarif'),
    markdown: path.join(directory, 'report.md'),
  }
  const limits = { cwd: inputs.directory, env: environment(), timeoutMs: inputs.timeoutMs, cancelled }
  return { ...(await supervise(command, checkArguments(inputs, files), limits)), ...files }
}

/** Values stand behind `=`, and the target behind `--`: none can be taken for an option. */
export function checkArguments(inputs: Inputs, files: Record<'json' | 'sarif' | 'markdown', string>): string[] {
  const options: [string, string][] = [
    ['stage', inputs.stage],
    ['name', inputs.name],
    ...inputs.profiles.map((profile): [string, string] => ['profile', profile]),
    ['config', inputs.config],
    ['registry-uri', inputs.registryUri],
    ['base', inputs.base],
    ['fail-on', inputs.base === '' ? '' : inputs.failOn],
    ['verdict', inputs.verdictDirectory],
    ['gate-key', inputs.gateKey],
    ['passphrase-file', inputs.gateKeyPassphraseFile],
    ['lang', inputs.language],
    ...Object.entries(files).map(([format, file]): [string, string] => ['format', `${format}=${file}`]),
  ]
  const given = options.filter(([, value]) => value !== '')
  return ['check', ...given.map(([name, value]) => `--${name}=${value}`), '--', inputs.target]
}

/**
 * A file that the command was asked to write.
 *
 * @throws Failure it is not there, is too large, or is not UTF-8.
 */
export function written(file: string, what: string): string {
  const found = statSync(file, { throwIfNoEntry: false })
  if (found === undefined || !found.isFile()) throw new Failure(`The command wrote no ${what}`)
  if (found.size > MAX_BYTES) throw new Failure(`The command wrote a ${what} of ${found.size} bytes`)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file))
  } catch {
    throw new Failure(`The ${what} is not UTF-8`)
  }
}
