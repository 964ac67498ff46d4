// SPDX-License-Identifier: Apache-2.0
// Finds a Python that Qaqpa runs on: by name, on PATH, or among those that the runner keeps in its tool cache.
import path from 'node:path'
import * as exec from '@actions/exec'
import * as io from '@actions/io'
import * as tc from '@actions/tool-cache'
import { environment } from './environment.js'
import { Failure } from './failure.js'
import { shown } from './text.js'

const MINORS = [10, 11, 12, 13]
const RANGE = `Python 3.${MINORS[0]} to 3.${MINORS.at(-1)}`
const MEND = `Qaqpa needs ${RANGE}: add actions/setup-python before this step, or name one with the input \`python\``

/**
 * The path of a Python interpreter of a version that Qaqpa supports.
 *
 * @param wanted a version (`3.12`), a command or a path; empty for the first that fits.
 * @throws Failure there is none.
 */
export async function findPython(wanted: string): Promise<string> {
  const candidates = await found(wanted)
  for (const candidate of candidates) {
    if (await isSupported(candidate)) return candidate
  }
  const what = wanted === '' ? 'No Python was found' : `${JSON.stringify(shown(wanted, 200))} is not there`
  throw new Failure(
    candidates.length === 0 ? what : `${candidates.map((each) => shown(each)).join(', ')} does not fit`,
    MEND,
  )
}

async function found(wanted: string): Promise<string[]> {
  if (wanted === '') return [await io.which('python3'), ...cached()].filter((each) => each !== '')
  if (/^3\.\d+(\.\d+)?$/.test(wanted)) {
    const minor = wanted.split('.').slice(0, 2).join('.')
    const named = wanted === minor ? await io.which(`python${minor}`) : ''
    return [named, inCache(wanted)].filter((each) => each !== '')
  }
  const rooted = wanted.includes('/') ? path.resolve(wanted) : wanted
  return [await io.which(rooted)].filter((each) => each !== '')
}

function cached(): string[] {
  if (process.env['RUNNER_TOOL_CACHE'] === undefined) return []
  return MINORS.toReversed().map((minor) => inCache(`3.${minor}`))
}

function inCache(version: string): string {
  if (process.env['RUNNER_TOOL_CACHE'] === undefined) return ''
  const directory = tc.find('Python', version)
  return directory === '' ? '' : path.join(directory, 'bin', 'python3')
}

async function isSupported(python: string): Promise<boolean> {
  const options = { silent: true, ignoreReturnCode: true, env: environment() }
  try {
    const { exitCode, stdout } = await exec.getExecOutput(
      python,
      ['-I', '-c', 'import sys; print(*sys.version_info[:2])'],
      options,
    )
    return exitCode === 0 && MINORS.some((minor) => stdout.trim() === `3 ${minor}`)
  } catch {
    return false
  }
}
