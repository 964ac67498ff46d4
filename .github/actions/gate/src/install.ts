// SPDX-License-Identifier: Apache-2.0
// Installs Qaqpa as it is in the commit of this action, with dependencies whose hashes stand in a lock file beside it.
import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import * as core from '@actions/core'
import * as exec from '@actions/exec'
import * as io from '@actions/io'
import { environment } from './environment.js'
import { Failure } from './failure.js'
import type { Inputs } from './inputs.js'
import { findPython } from './python.js'
import { logOutput, shown } from './text.js'

/** How to call Qaqpa. `executable` is for later steps. */
export interface Qaqpa {
  command: string[]
  executable: string
}

/** The folder of the action: this file is its `dist/index.js`. */
const ACTION = path.dirname(path.dirname(fileURLToPath(import.meta.url)))

/**
 * The command that the inputs name, or a Qaqpa that is installed now.
 *
 * @throws Failure the command is not there, or the installation failed.
 */
export async function prepare(inputs: Inputs): Promise<Qaqpa> {
  if (inputs.command === '') return install(inputs)
  const named = inputs.command.includes('/') ? path.resolve(inputs.directory, inputs.command) : inputs.command
  const executable = await io.which(named)
  if (executable === '') throw new Failure(`The command ${shown(named, 300)} is not there, or cannot be executed`)
  return { command: [executable], executable }
}

async function install(inputs: Inputs): Promise<Qaqpa> {
  if (process.platform === 'win32')
    throw new Failure('Qaqpa runs on Linux and macOS', 'Choose such a runner with `runs-on`')
  const root = repository()
  const lock = path.join(ACTION, inputs.extras === '' ? 'requirements.lock' : `requirements-${inputs.extras}.lock`)
  const python = await findPython(inputs.python)
  const uv = await io.which('uv')
  // A folder of its own, so that nothing is there already. Not in the tool cache: a virtual environment cannot be moved.
  const venv = path.join(mkdtempSync(path.join(temporary(), 'qaqpa-')), 'venv')
  const installed = path.join(venv, 'bin', 'python')
  core.info(`Installing Qaqpa with ${uv === '' ? 'pip' : 'uv'} and ${shown(python)}`)
  const steps = uv === '' ? withPip(python, venv, installed) : withUv(uv, python, venv, installed)
  await call(steps.venv)
  // No source packages: building one would fetch build tools that no lock names.
  await call([...steps.install, '--require-hashes', '--only-binary', ':all:', '--requirement', lock])
  // The tools that build it come from the lock as well.
  await call([...steps.install, '--no-index', '--no-deps', '--no-build-isolation', root])
  const version = await call([installed, '-I', '-m', 'qaqpa.cli.main', '--version'])
  core.info(`Installed ${shown(version.trim(), 100)}`)
  return { command: [installed, '-I', '-m', 'qaqpa.cli.main'], executable: path.join(venv, 'bin', 'qaqpa') }
}

function withPip(python: string, venv: string, installed: string): Record<'venv' | 'install', string[]> {
  const pip = [installed, '-I', '-m', 'pip', '--disable-pip-version-check', '--no-input']
  return { venv: [python, '-I', '-m', 'venv', venv], install: [...pip, 'install'] }
}

function withUv(uv: string, python: string, venv: string, installed: string): Record<'venv' | 'install', string[]> {
  // A uv.toml in a checkout must not say where packages come from.
  return {
    venv: [uv, '--no-config', 'venv', '--no-python-downloads', '--python', python, venv],
    install: [uv, '--no-config', 'pip', 'install', '--python', installed],
  }
}

/** The checkout of this action's own repository. */
function repository(): string {
  const root = path.resolve(ACTION, '..', '..', '..')
  const project = path.join(root, 'pyproject.toml')
  if (!existsSync(project) || !/^name = "qaqpa"$/m.test(readFileSync(project, 'utf8'))) {
    throw new Failure(
      `There is no Qaqpa at ${shown(root)}`,
      'The action installs what lies beside it: use it from its repository, or name an installed one with `command`',
    )
  }
  return root
}

export function temporary(): string {
  const directory = process.env['RUNNER_TEMP'] ?? ''
  if (directory === '') throw new Failure('RUNNER_TEMP is not set', 'The action needs a runner')
  return directory
}

async function call(command: string[]): Promise<string> {
  const [program, ...args] = command as [string, ...string[]]
  // Silent, because names and messages in the output could otherwise be read as runner commands.
  const options = { silent: true, ignoreReturnCode: true, cwd: temporary(), env: environment() }
  const { exitCode, stdout, stderr } = await exec.getExecOutput(program, args, options)
  if (exitCode !== 0) {
    logOutput(path.basename(program), `${stdout}\n${stderr}`)
    throw new Failure(
      `Qaqpa could not be installed: ${path.basename(program)} ended with ${exitCode}`,
      'The log says why',
    )
  }
  return stdout
}
