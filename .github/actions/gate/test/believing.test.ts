// SPDX-License-Identifier: Apache-2.0
// The built action believes a command only when everything it says is one answer to what was asked.
import { describe, expect, it } from 'vitest'
import type { Report } from '../src/report.js'
import { COMMIT, compared, DIGEST, envelope, report, result, review, sarif } from './support/documents.js'
import { judge, noPass, type Plan } from './support/gate.js'

const allowed = report()
const denied = report([result()])

function changed(document: Report, change: (copy: Report) => void): Report {
  const copy = structuredClone(document)
  change(copy)
  return copy
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
      const milder = compared([])
      milder.comparison?.new.push({ control: '', code: 'context_milder', field: 'risk', level: 'deny' })
      const run = await judge({ report: review([milder], 'deny', failOn) }, { base: 'origin/main', 'fail-on': failOn })
      expect([run.code, run.outputs['verdict'], run.outputs['outcome']]).toEqual([1, 'deny', 'deny'])
      expect(run.errors[0]).toContain('context_milder (risk)')
      expect(run.errors.at(-1)).toContain('1 thing(s) worse than at the base')
    },
  )

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

const undecided = { base: 'origin/main', 'fail-on': 'never' }
const signing = { stage: 'production', 'verdict-directory': 'out', 'gate-key': 'gate.key' }
const production = report([], {}, { stage: 'production' })

describe('an answer that is not believed', () => {
  it.each<[string, Plan, Record<string, string>, RegExp]>([
    ['a crash', { report: allowed, exit: 1, stderr: 'qaqpa: crashed: boom' }, {}, /crashed: boom/],
    ['a usage error', { report: allowed, exit: 2 }, {}, /ended with 2, what it was given is wrong/],
    ['an unknown exit code', { report: allowed, exit: 5 }, {}, /no exit code of Qaqpa/],
    ['a stopped command', { report: allowed, exit: 130 }, {}, /was stopped/],
    ['a killed command', { report: allowed, signal: 'SIGKILL' }, {}, /ended by SIGKILL/],
    ['exit 0 over a denial', { report: denied, exit: 0 }, {}, /ended with 0 \(allow\), and its report says deny/],
    ['exit 3 over an allow', { report: allowed, exit: 3 }, {}, /ended with 3 \(deny\), and its report says allow/],
    [
      'exit 0 over undecided',
      { report: report([result({ status: 'undecided' })]), exit: 0 },
      {},
      /report says undecided/,
    ],
    ['no report', { report: allowed, without: ['json'] }, {}, /wrote no report/],
    ['no Markdown', { report: allowed, without: ['markdown'] }, {}, /wrote no Markdown/],
    ['no SARIF', { report: allowed, without: ['sarif'] }, {}, /wrote no SARIF/],
    ['an empty report', { json: '' }, {}, /not JSON/],
    ['truncated JSON', { json: JSON.stringify(allowed).slice(0, -20) }, {}, /not JSON/],
    [
      'a report only on standard output',
      { report: allowed, without: ['json'], stdout: JSON.stringify(allowed) },
      {},
      /wrote no report/,
    ],
    [
      'another schema',
      { json: JSON.stringify({ ...allowed, schema: 'urn:qaqpa:schema:report:v2' }) },
      {},
      /shape of a report: schema/,
    ],
    [
      'an unknown verdict',
      { json: JSON.stringify({ ...allowed, outcome: 'PASSED' }) },
      {},
      /shape of a report: outcome/,
    ],
    ['no results', { json: JSON.stringify({ ...allowed, results: undefined }) }, {}, /shape of a report: results/],
    [
      'a digest that is none',
      { report: report([], {}, { subject: { name: 'credit', digest: 'latest' } }) },
      {},
      /subject\.digest/,
    ],
    [
      'a verdict that findings contradict',
      {
        report: changed(denied, (copy) => {
          copy.decision.verdict = copy.outcome = 'allow'
        }),
      },
      {},
      /does not follow from its findings/,
    ],
    [
      'an allow without findings',
      { report: report([], {}, { findings: [] }) },
      {},
      /does not follow from its findings/,
    ],
    [
      'an allow with a problem',
      { report: report([], {}, { problems: [{ code: 'bytes_missing' }] }) },
      {},
      /does not follow from its findings/,
    ],
    [
      'an allow with a result that denies',
      { report: changed(allowed, (copy) => copy.results.push(result())) },
      {},
      /with 1 result\(s\) that deny/,
    ],
    [
      'a denial without results',
      {
        report: changed(denied, (copy) => {
          copy.results = []
        }),
      },
      {},
      /with 0 result\(s\) that deny/,
    ],
    [
      'a failed control that no result names',
      { report: changed(denied, (copy) => copy.decision.findings.push({ control: 'AUD-01', status: 'fail' })) },
      {},
      /AUD-01 failed, and no result says so/,
    ],
    [
      'an outcome that is not the verdict',
      {
        report: changed(denied, (copy) => {
          copy.outcome = 'allow'
        }),
        exit: 0,
      },
      {},
      /the outcome allow is not the verdict deny/,
    ],
    ['an answer about another target', { report: report([], { target: 'elsewhere' }) }, {}, /about elsewhere/],
    ['an answer for another stage', { report: allowed }, { stage: 'production' }, /judged for review/],
    ['an answer about another model', { report: allowed }, { name: 'mortgage' }, /judged as credit/],
    ['an answer by other profiles', { report: allowed }, { profiles: 'kz gdpr' }, /judged by article-baseline/],
    ['one report where a review was asked', { report: allowed }, undecided, /shape of a review/],
    ['a review where a report was asked', { report: review([], 'allow') }, {}, /shape of a report/],
    ['a review of another base', { report: { ...review([], 'allow'), base: 'HEAD' } }, undecided, /compares with HEAD/],
    [
      'a review by another fail-on',
      { report: review([], 'allow', 'never') },
      { base: 'origin/main', 'fail-on': 'any' },
      /answers --fail-on never/,
    ],
    [
      'a review without a commit',
      { report: { ...review([], 'allow'), commit: COMMIT.slice(1) } },
      undecided,
      /shape of a review: commit/,
    ],
    [
      'advice over something undecided',
      { report: review([compared([result({ status: 'undecided' })])], 'allow') },
      undecided,
      /undecided follows/,
    ],
    [
      'a review that lets something new pass',
      { report: review([compared([result({ change: 'new' })])], 'allow', 'new') },
      { base: 'origin/main', 'fail-on': 'new' },
      /deny follows/,
    ],
    [
      'a review without a comparison',
      { report: review([denied], 'allow', 'new') },
      { base: 'origin/main', 'fail-on': 'new' },
      /without a comparison/,
    ],
    ['SARIF that is none', { report: allowed, sarif: '{}' }, {}, /not SARIF 2\.1\.0/],
    ['SARIF with too many runs', { report: allowed, sarif: sarif(1, 21) }, {}, /21 runs, and GitHub takes 20/],
    ['SARIF with too many results', { report: allowed, sarif: sarif(25_001) }, {}, /25001 results in a run/],
    ['no signed verdict', { report: production }, signing, /wrote no signed verdict/],
    [
      'a signed verdict that failed',
      { report: production, verdict: envelope('FAILED') },
      signing,
      /says FAILED, and the report says allow/,
    ],
    [
      'a signed verdict about other bytes',
      { report: production, verdict: envelope('PASSED', '00'.repeat(32)) },
      signing,
      /about other bytes/,
    ],
    ['a signed verdict that is no envelope', { report: production, verdict: '{}' }, signing, /no envelope/],
    [
      'a passed verdict over a denial',
      { report: report([result()], {}, { stage: 'production' }), verdict: envelope('PASSED') },
      signing,
      /says PASSED, and the report says deny/,
    ],
  ])('%s fails the step, and no output reads as a pass', async (_, plan, inputs, message) => {
    const run = await judge(plan, inputs)
    expect(noPass(run), run.log).toBe(true)
    expect(run.errors.at(-1)).toMatch(message)
  })

  it('SARIF that is too large compressed fails the step', async () => {
    let random = ''
    while (random.length < 16 * 1024 * 1024) random += Math.random().toString(36).slice(2)
    const run = await judge({ report: allowed, sarif: sarif(1, 1, random) })
    expect(noPass(run)).toBe(true)
    expect(run.errors.at(-1)).toMatch(/bytes compressed/)
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
