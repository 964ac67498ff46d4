// SPDX-License-Identifier: Apache-2.0
// The built action believes a command only when everything it says is one answer to what was asked.
import { describe, expect, it } from 'vitest'
import type { Report, Result } from '../src/report.js'
import { compared, DIGEST, envelope, report, result, review, sarif } from './support/documents.js'
import { judge, noPass, type Plan } from './support/gate.js'

const allowed = report()
const denied = report([result()])

/** A report about a context that was made milder: no violation, and worse than at the base. */
function weaker(changes: Partial<Result> = {}): Report {
  const milder = { control: '', code: 'context_lowered', level: 'warning', status: 'warn', change: 'new' } as const
  const told = compared([result({ ...milder, message: 'the context is milder', blocks: true, ...changes })])
  for (const change of told.comparison?.new ?? []) change.level = 'deny'
  return told
}

describe('an answer that is believed', () => {
  it('passes on allow', async () => {
    const run = await judge({ report: allowed })
    expect(run.code).toBe(0)
    expect(run.errors).toEqual([])
    expect(run.outputs).toMatchObject({
      verdict: 'allow',
      outcome: 'allow',
      denied: '0',
      judged: '1',
      'model-digest': DIGEST,
      'verdict-file': '',
    })
  })

  it('fails on deny, with outputs that say so', async () => {
    const results = [result(), result({ code: 'wrongly_refused_gap' }), result({ control: 'AUD-01', code: 'missing' })]
    const run = await judge({ report: report(results) })
    expect(run.code).toBe(1)
    expect(run.outputs).toMatchObject({ verdict: 'deny', outcome: 'deny', denied: '2' })
    expect(run.errors.at(-1)).toBe('Qaqpa 0.1.0: denied: 2 requirement(s) not met')
  })

  it('fails on undecided', async () => {
    const problem = result({ control: '', code: 'engine_timeout', status: 'problem' })
    const run = await judge({ report: report([problem]) })
    expect(run.code).toBe(1)
    expect(run.outputs).toMatchObject({ verdict: 'undecided', denied: '1' })
  })

  it('lets advice pass without calling the verdict a pass', async () => {
    const run = await judge(
      { report: review([compared([result({ change: 'known' })])], 'allow') },
      { base: 'origin/main' },
    )
    expect(run.code).toBe(0)
    expect(run.outputs).toMatchObject({ verdict: 'deny', outcome: 'allow', denied: '1', judged: '1' })
  })

  it.each([
    ['new', 'known', 'allow'],
    ['new', 'new', 'deny'],
    ['any', 'known', 'deny'],
    ['never', 'new', 'allow'],
  ] as const)('with fail-on %s a %s failure gives %s', async (failOn, change, outcome) => {
    const run = await judge(
      { report: review([compared([result({ change })])], outcome, failOn) },
      { base: 'origin/main', 'fail-on': failOn },
    )
    expect(run.code).toBe(outcome === 'allow' ? 0 : 1)
    expect(run.outputs['outcome']).toBe(outcome)
    expect(run.errors.length > 0).toBe(outcome === 'deny')
  })

  it.each(['new', 'any'] as const)(
    'with fail-on %s a change for the worse that is no violation fails, and is shown',
    async (failOn) => {
      const milder = weaker()
      const run = await judge({ report: review([milder], 'deny', failOn) }, { base: 'origin/main', 'fail-on': failOn })
      expect([run.code, run.outputs['verdict'], run.outputs['outcome']]).toEqual([1, 'deny', 'deny'])
      expect(run.errors[0]).toContain('the context is milder')
      expect(run.errors.at(-1)).toContain('1 thing(s) worse than at the base')
    },
  )

  it('believes a review in a repository of SHA-256', async () => {
    const run = await judge({ report: { ...review([], 'allow'), commit: 'ab'.repeat(32) } }, { base: 'origin/main' })
    expect(run.code).toBe(0)
  })

  it('says when no model was judged', async () => {
    const run = await judge({ report: review([], 'allow') }, { base: 'origin/main' })
    expect(run.code).toBe(0)
    expect(run.outputs).toMatchObject({ judged: '0', 'model-digest': '' })
    expect(run.summary).toContain('No model was judged')
  })

  it('hands over the signed verdict', async () => {
    const plan = { report: report([], {}, { stage: 'production' }), verdict: envelope('PASSED') }
    const run = await judge(plan, { stage: 'production', 'verdict-directory': 'out', 'gate-key': 'gate.key' })
    expect(run.errors).toEqual([])
    expect(run.outputs['verdict-file']).toBe(`${run.runner.workspace}/out/verdict.dsse.json`)
  })
})

const signing = { stage: 'production', 'verdict-directory': 'out', 'gate-key': 'gate.key' }
const production = report([], {}, { stage: 'production' })

describe('an answer that is not believed', () => {
  it.each<[string, Plan, Record<string, string>, RegExp]>([
    ['a crash', { report: allowed, exit: 1, stderr: 'qaqpa: crashed: boom' }, {}, /crashed: boom/],
    ['a killed command', { report: allowed, signal: 'SIGKILL' }, {}, /ended by SIGKILL/],
    ['exit 0 over a denial', { report: denied, exit: 0 }, {}, /ended with 0 \(allow\), and its report says deny/],
    ['exit 3 over an allow', { report: allowed, exit: 3 }, {}, /ended with 3 \(deny\), and its report says allow/],
    ['no report', { report: allowed, without: ['json'] }, {}, /wrote no report/],
    ['truncated JSON', { json: JSON.stringify(allowed).slice(0, -20) }, {}, /not JSON/],
    [
      'a report only on standard output',
      { report: allowed, without: ['json'], stdout: JSON.stringify(allowed) },
      {},
      /wrote no report/,
    ],
    [
      'an unknown verdict',
      { json: JSON.stringify({ ...allowed, outcome: 'PASSED' }) },
      {},
      /shape of a report: outcome/,
    ],
    ['an answer for another stage', { report: allowed }, { stage: 'production' }, /judged for review/],
    [
      'a review that lets something new pass',
      { report: review([compared([result({ change: 'new' })])], 'allow', 'new') },
      { base: 'origin/main', 'fail-on': 'new' },
      /deny follows/,
    ],
    [
      'a refused change for the worse that no result blames',
      { report: review([weaker({ blocks: false })], 'deny', 'new') },
      { base: 'origin/main', 'fail-on': 'new' },
      /context_lowered is refused, and no result says so/,
    ],
    [
      'a review that blames what is only advice',
      { report: review([weaker()], 'allow', 'never') },
      { base: 'origin/main' },
      /context_lowered makes the step fail, which does not follow/,
    ],
    [
      'a denial that its result excuses',
      { report: { ...denied, results: [result()] } },
      {},
      /does not make the step fail, which does not follow/,
    ],
    ['SARIF with too many results', { report: allowed, sarif: sarif(25_001) }, {}, /25001 results in a run/],
    [
      'a signed verdict about other bytes',
      { report: production, verdict: envelope('PASSED', '00'.repeat(32)) },
      signing,
      /about other bytes/,
    ],
  ])('%s fails the step, and no output reads as a pass', async (_, plan, inputs, message) => {
    const run = await judge(plan, inputs)
    expect(noPass(run), run.log).toBe(true)
    expect(run.errors.at(-1)).toMatch(message)
  })

  it('a report of an earlier run is not taken for this one', async () => {
    const first = await judge({ report: allowed })
    expect(first.code).toBe(0)
    expect(noPass(await judge({ report: allowed, without: ['json'] }, {}, {}, first.runner))).toBe(true)
  })

  it('the command cannot answer the runner by itself', async () => {
    const { called } = await judge(
      { report: allowed },
      { 'github-token': 'secret' },
      {
        env: {
          ACTIONS_RUNTIME_TOKEN: 'secret',
          GITHUB_TOKEN: 'secret',
          PYTHONPATH: '/evil',
          MLFLOW_TRACKING_URI: 'kept',
        },
      },
    )
    expect(JSON.stringify(called)).not.toContain('secret')
    expect(
      Object.keys(called?.env ?? {}).filter((name) =>
        /^INPUT_|^PYTHONPATH|^GITHUB_(OUTPUT|ENV|PATH|STATE|STEP_SUMMARY)$/.test(name),
      ),
    ).toEqual([])
    expect(called?.env['MLFLOW_TRACKING_URI']).toBe('kept')
  })
})
