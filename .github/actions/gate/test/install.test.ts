// SPDX-License-Identifier: Apache-2.0
// The built action installs Qaqpa of this checkout from its lock file, with pip and with uv.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { noPass } from './support/gate.js'
import { ACTION, newRunner, ROOT, type Run } from './support/runner.js'

/** Set by the Python test that runs all of this. */
const PYTHON = process.env['GATE_TEST_PYTHON'] ?? path.join(ROOT, '.venv', 'bin', 'python')
const UV = process.env['GATE_TEST_UV'] ?? path.join(ROOT, '.venv', 'bin', 'uv')

const pip = { PATH: '/usr/bin:/bin' }

function withUv(): Record<string, string> {
  const directory = mkdtempSync(path.join(tmpdir(), 'uv-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  symlinkSync(UV, path.join(directory, 'uv'))
  return {
    PATH: `${directory}:/usr/bin:/bin`,
    UV_CACHE_DIR: process.env['UV_CACHE_DIR'] ?? path.join(directory, 'cache'),
  }
}

function install(env: Record<string, string>, inputs: Record<string, string> = {}, action = ACTION): Promise<Run> {
  const proxies = Object.entries(process.env).filter(([name]) =>
    /^(PIP_|SSL_|REQUESTS_|UV_|https?_proxy|no_proxy)/i.test(name),
  )
  return newRunner({ action }).run(
    { 'install-only': 'true', python: PYTHON, ...inputs },
    { env: { ...(Object.fromEntries(proxies) as Record<string, string>), ...env, PYTHONPATH: '/evil' } },
  )
}

/** A copy of the action where it stands in another repository, with a lock file that was changed. */
function copied(project: string, change: (lock: string) => string): string {
  const root = mkdtempSync(path.join(tmpdir(), 'copy-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  const action = path.join(root, '.github', 'actions', 'gate')
  mkdirSync(action, { recursive: true })
  cpSync(path.join(ACTION, 'dist'), path.join(action, 'dist'), { recursive: true })
  writeFileSync(path.join(root, 'pyproject.toml'), project)
  writeFileSync(
    path.join(action, 'requirements.lock'),
    change(readFileSync(path.join(ACTION, 'requirements.lock'), 'utf8')),
  )
  writeFileSync(path.join(action, 'package.json'), '{"type": "module"}')
  return action
}

describe('installing', { timeout: 240_000 }, () => {
  it.each([
    ['pip', () => pip],
    ['uv', withUv],
  ])('with %s gives a command that judges', async (tool, env) => {
    const run = await install(env())
    expect(run.errors, run.log).toEqual([])
    expect(run.log).toContain(`Installing Qaqpa with ${tool}`)
    expect(Object.keys(run.outputs)).toEqual(['command'])
    const check = ['check', path.join(ROOT, 'examples', 'credit-scoring', 'mended'), '--as-of', '2026-11-23']
    const said = execFileSync(run.outputs['command'] ?? '', check, { cwd: tmpdir(), encoding: 'utf8' })
    expect(said).toMatch(/^ALLOWED /)
  })

  it.each([
    ['pip', () => pip],
    ['uv', withUv],
  ])('with %s refuses what has another hash than the lock file says', async (_, env) => {
    const wrong = (lock: string) =>
      lock.replace(/rfc8785==.*?(?=\n[a-z])/s, (entry) => entry.replace(/sha256:[0-9a-f]{8}/g, 'sha256:00000000'))
    const run = await install(env(), {}, copied('name = "qaqpa"\n', wrong))
    expect(noPass(run), run.log).toBe(true)
    expect(run.log).toMatch(/hash/i)
    expect(run.errors.at(-1)).toMatch(/could not be installed/)
  })

  it('where no Qaqpa lies beside the action fails', async () => {
    const run = await install(
      pip,
      {},
      copied('name = "other"\n', (lock) => lock),
    )
    expect(noPass(run)).toBe(true)
    expect(run.errors).toEqual([expect.stringMatching(/^There is no Qaqpa at /)])
  })

  it('with a Python that does not fit fails', async () => {
    const run = await install(pip, { python: '3.9' })
    expect(noPass(run)).toBe(true)
    expect(run.errors).toEqual([expect.stringContaining('Qaqpa needs Python 3.10 to 3.13')])
  })
})
