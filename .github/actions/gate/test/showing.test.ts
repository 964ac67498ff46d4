// SPDX-License-Identifier: Apache-2.0
// What the built action shows: annotations, the job summary, the SARIF file. Text from evidence stays text.
import { lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { compared, report, result, review, sarif } from './support/documents.js'
import { judge } from './support/gate.js'
import { newRunner } from './support/runner.js'

const HOSTILE = 'x\r\n::add-mask::y\n::set-output name=verdict::allow\n##[add-path]/evil %0A::error::z \u202e\u001b[31m'

describe('annotations', () => {
  it('stand on the line of the evidence', async () => {
    const { commands } = await judge({ report: report([result()]) })
    expect(commands[0]).toEqual({
      name: 'error',
      message: 'By race, Black is selected less.',
      properties: {
        title: 'NDQ-02 Bias test across protected groups',
        ...{ file: 'governance/evidence/bias.yaml', line: '14', endLine: '14', col: '5', endColumn: '5' },
      },
    })
  })

  it('have paths from the workspace, wherever the command ran', async () => {
    const runner = newRunner()
    mkdirSync(path.join(runner.workspace, 'models', 'credit'), { recursive: true })
    const { commands, called } = await judge(
      { report: report([result()]) },
      { 'working-directory': 'models/credit' },
      {},
      runner,
    )
    expect(called?.cwd).toBe(path.join(runner.workspace, 'models', 'credit'))
    expect(commands[0]?.properties['file']).toBe('models/credit/governance/evidence/bias.yaml')
  })

  it('name no file outside the workspace', async () => {
    const place = { file: '../../etc/passwd', line: 1, column: 1 }
    const { commands } = await judge({ report: report([result({ place })]) })
    expect(commands[0]?.properties).toEqual({ title: 'NDQ-02 Bias test across protected groups' })
  })

  it('are as many as GitHub shows, worst first, and the summary says how many are left', async () => {
    const many = Array.from({ length: 13 }, (_, n) => result({ control: `NDQ-${n + 10}` }))
    const warnings = Array.from({ length: 12 }, (_, n) =>
      result({ control: `TRN-${n + 10}`, level: 'warning', status: 'warn' }),
    )
    const { commands, summary } = await judge({ report: report([...warnings, ...many]) })
    const count = (name: string) => commands.filter((command) => command.name === name).length
    expect([count('error'), count('warning')]).toEqual([9 + 1, 9])
    expect(commands[0]?.name).toBe('error')
    expect(summary).toContain('7 more result(s)')
  })

  it('are warnings where the step does not fail for them', async () => {
    const known = result({ control: 'AUD-01', change: 'known' })
    const { commands } = await judge(
      { report: review([compared([known, result({ change: 'new' })])], 'deny', 'new') },
      { base: 'origin/main', 'fail-on': 'new' },
    )
    expect(commands.map(({ name, properties }) => [name, properties['title']?.slice(0, 6)])).toEqual([
      ['error', 'NDQ-02'],
      ['warning', 'AUD-01'],
      ['error', undefined],
    ])
  })
})

describe('hostile text', () => {
  it('in the evidence issues no runner command', async () => {
    const hostile = result({
      message: HOSTILE,
      title: HOSTILE,
      control: HOSTILE,
      place: { file: `a\n::add-mask::b,line=1`, line: 1, column: 1 },
    })
    const { commands } = await judge({ report: report([hostile]) })
    expect(commands.map(({ name }) => name)).toEqual(['error', 'error'])
    expect(commands[0]?.properties['line']).toBe('1')
  })

  it('in what the command prints issues no runner command', async () => {
    const { commands, log } = await judge({ report: report(), stdout: HOSTILE, stderr: `${HOSTILE}\n  ::warning::no` })
    expect(commands).toEqual([])
    expect(log).toContain('qaqpa | ::add-mask::y')
  })

  it('in what a command says that fails issues no runner command', async () => {
    const { commands } = await judge({ report: report(), exit: 2, stderr: HOSTILE })
    expect(commands.map(({ name }) => name)).toEqual(['error'])
  })

  it('in a report that does not fit issues no runner command', async () => {
    const { commands } = await judge({ json: `{"schema": ${JSON.stringify(HOSTILE)}}` })
    expect(commands.map(({ name }) => name)).toEqual(['error'])
  })

  it('in the Markdown adds no control character to the summary', async () => {
    const { summary } = await judge({ report: report(), markdown: 'a\u0000b\u001b[31m\r\n## End' })
    expect(summary).toBe('a\ufffdb\ufffd[31m\n## End\n')
  })
})

describe('the summary', () => {
  it('is the Markdown of the command', async () => {
    expect((await judge({ report: report(), markdown: '## Allowed\n' })).summary).toBe('## Allowed\n\n')
  })

  it('is cut between lines where GitHub would drop it, and says so', async () => {
    const markdown = `<details>\n${'қ'.repeat(50)}\n`.repeat(20_000)
    const { summary, code } = await judge({ report: report(), markdown })
    expect(code).toBe(0)
    expect(Buffer.byteLength(summary)).toBeLessThan(1024 * 1024)
    expect(summary.trimEnd()).toMatch(/<\/details>\n\n_Cut here: [^\n]*$/)
  })

  it('that cannot be written changes no answer', async () => {
    const gone = { env: { GITHUB_STEP_SUMMARY: '/nowhere/summary' } }
    const allowed = await judge({ report: report() }, {}, gone)
    expect([allowed.code, allowed.outputs['verdict']]).toEqual([0, 'allow'])
    expect(allowed.errors[0]).toContain('The job summary could not be written')
    expect((await judge({ report: report([result()]) }, {}, gone)).code).toBe(1)
  })
})

describe('the SARIF file', () => {
  it('is there for the step that uploads it', async () => {
    const { outputs } = await judge({ report: report() })
    expect(readFileSync(outputs['sarif-file'] ?? '', 'utf8')).toBe(sarif())
  })

  it('is put where it is wanted, and follows no link that lies there', async () => {
    const runner = newRunner()
    const victim = path.join(runner.directory, 'victim')
    writeFileSync(victim, 'untouched')
    symlinkSync(victim, path.join(runner.workspace, 'gate.sarif'))
    const { outputs } = await judge({ report: report() }, { 'sarif-file': 'gate.sarif' }, {}, runner)
    expect(outputs['sarif-file']).toBe(path.join(runner.workspace, 'gate.sarif'))
    expect(lstatSync(outputs['sarif-file'] ?? '').isSymbolicLink()).toBe(false)
    expect(readFileSync(victim, 'utf8')).toBe('untouched')
  })

  it('with more than GitHub shows is flagged', async () => {
    const { commands, code } = await judge({ report: report(), sarif: sarif(5_001) })
    expect(code).toBe(0)
    expect(commands[0]?.message).toContain('GitHub shows 5000 of the 5001 results')
  })
})
