// SPDX-License-Identifier: Apache-2.0
// The built action over the real command line of this checkout, on the examples and on a pull request.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { newRunner, ROOT, type Runner } from './support/runner.js'

const PYTHON = process.env['GATE_TEST_PYTHON'] ?? path.join(ROOT, '.venv', 'bin', 'python')
const EXAMPLE = path.join(ROOT, 'examples', 'credit-scoring')

/** The command line as on the day of the examples' evidence. */
function qaqpa(runner: Runner): string {
  const file = path.join(runner.directory, 'qaqpa')
  // With its own cache of compiled policies, which a new home does not have.
  const home = process.env['HOME'] ?? runner.directory
  const call = `exec env HOME='${home}' PYTHONPATH='${ROOT}/plugin' '${PYTHON}' -m qaqpa.cli.main check --as-of=2026-11-23 "$@"`
  writeFileSync(file, `#!/bin/sh\nshift\n${call}\n`, { mode: 0o755 })
  return file
}

/** A repository in the workspace whose base has the mended example, and whose checkout is a branch off it. */
function repository(runner: Runner): { git: (...args: string[]) => string; model: string } {
  const git = (...args: string[]) => {
    const options = ['-c', 'user.name=Ana', '-c', 'user.email=ana@acme.example', '-c', 'commit.gpgsign=false']
    return execFileSync('git', [...options, ...args], { cwd: runner.workspace, encoding: 'utf8' })
  }
  const model = path.join(runner.workspace, 'governance', 'credit')
  mkdirSync(path.dirname(model))
  cpSync(path.join(EXAMPLE, 'mended'), model, { recursive: true })
  git('init', '--quiet', '--initial-branch=main')
  git('add', '.')
  git('commit', '--quiet', '--message=base')
  git('switch', '--quiet', '--create=change')
  return { git, model }
}

describe('the real command line', () => {
  it('denies the failing example, on the line of its evidence', async () => {
    const runner = newRunner({ workspace: ROOT })
    const run = await runner.run({ target: 'examples/credit-scoring/failing', command: qaqpa(runner) })
    expect(run.code, run.log).toBe(1)
    expect(run.outputs).toMatchObject({ verdict: 'deny', outcome: 'deny', denied: '1', judged: '1' })
    const [first] = run.commands
    expect(first?.properties).toMatchObject({ file: 'examples/credit-scoring/failing/evidence/bias.yaml' })
    const lines = readFileSync(path.join(EXAMPLE, 'failing', 'evidence', 'bias.yaml'), 'utf8').split('\n')
    expect(lines[Number(first?.properties['line']) - 1]?.slice(Number(first?.properties['col']) - 1)).toMatch(
      /^- name: race|^- attribute: race|race/,
    )
    expect(first?.message).toContain('By race, Black is selected')
    expect(run.summary).toContain('Requirements not met: 1 of 23.')
    expect(JSON.parse(readFileSync(run.outputs['sarif-file'] ?? '', 'utf8')).version).toBe('2.1.0')
  })

  it('allows the mended example, in another language', async () => {
    const runner = newRunner({ workspace: ROOT })
    const run = await runner.run({ target: 'examples/credit-scoring/mended', command: qaqpa(runner), language: 'ru' })
    expect([run.code, run.errors], run.log).toEqual([0, []])
    expect(run.outputs).toMatchObject({ verdict: 'allow', denied: '0' })
    expect(run.summary).toMatch(/[а-я]{5}/)
  })

  it('says of a target that is not there that it could not decide', async () => {
    const runner = newRunner({ workspace: ROOT })
    const run = await runner.run({ target: 'examples/nowhere', command: qaqpa(runner) })
    expect([run.code, run.outputs]).toEqual([1, {}])
    expect(run.errors.at(-1)).toContain('ended with 2')
  })

  it('on a pull request names what became worse, and with fail-on new fails', async () => {
    const runner = newRunner()
    const { git, model } = repository(runner)
    cpSync(path.join(EXAMPLE, 'failing', 'evidence', 'bias.yaml'), path.join(model, 'evidence', 'bias.yaml'))
    git('commit', '--quiet', '--all', '--message=worse')
    const inputs = { target: 'governance', base: 'main', command: qaqpa(runner) }
    const advice = await runner.run(inputs)
    expect([advice.code, advice.errors], advice.log).toEqual([0, []])
    expect(advice.outputs).toMatchObject({ verdict: 'deny', outcome: 'allow', judged: '1' })
    const strict = await runner.run({ ...inputs, 'fail-on': 'new' })
    expect([strict.code, strict.outputs['outcome']]).toEqual([1, 'deny'])
    expect(strict.commands[0]).toMatchObject({
      name: 'error',
      properties: { file: 'governance/credit/evidence/bias.yaml' },
    })
    expect(strict.errors.at(-1)).toMatch(/[1-9] thing\(s\) worse than at the base/)
  })

  it('on a pull request that only asks for less shows it as an error', async () => {
    const runner = newRunner()
    const { git, model } = repository(runner)
    const context = path.join(model, 'context.yaml')
    writeFileSync(context, readFileSync(context, 'utf8').replace('affects_rights: true', 'affects_rights: false'))
    git('commit', '--quiet', '--all', '--message=milder')
    const inputs = { target: 'governance', base: 'main', 'fail-on': 'new', command: qaqpa(runner) }
    const run = await runner.run(inputs)
    expect([run.code, run.outputs['outcome']], run.log).toEqual([1, 'deny'])
    expect(run.commands[0]).toMatchObject({ name: 'error', properties: { file: 'governance/credit/context.yaml' } })
    expect(run.errors[0]).toContain('the context is milder than at the base')
    expect(run.summary).toContain('BECAME WORSE: mortgage')
  })

  it('on a pull request that touches no model judges none', async () => {
    const runner = newRunner()
    const { git } = repository(runner)
    writeFileSync(path.join(runner.workspace, 'README.md'), 'hello')
    git('add', '.')
    git('commit', '--quiet', '--message=other')
    const run = await runner.run({ target: 'governance', base: 'main', 'fail-on': 'new', command: qaqpa(runner) })
    expect([run.code, run.outputs['judged']], run.log).toEqual([0, '0'])
  })
})
