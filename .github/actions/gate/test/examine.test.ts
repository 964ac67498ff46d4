// SPDX-License-Identifier: Apache-2.0
// What a command left behind is looked at before any of it is passed on. believing.test.ts does the same to the built
// action; here are the cases for which nothing has to be started.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { examine } from '../src/main.js'
import type { Report } from '../src/report.js'
import { COMMIT, compared, envelope, report, result, review, sarif } from './support/documents.js'
import type { Plan } from './support/gate.js'
import { readGiven } from './support/inputs.js'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'examine-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const allowed = report()
const denied = report([result()])

function changed(document: Report, change: (copy: Report) => void): Report {
  const copy = structuredClone(document)
  change(copy)
  return copy
}

/** Looks at what a command that follows the plan would leave behind. */
function look(plan: Plan, given: Record<string, string> = {}) {
  const place = (name: string) => path.join(directory, name)
  const files = {
    json: plan.json ?? JSON.stringify(plan.report),
    sarif: plan.sarif ?? sarif(),
    markdown: plan.markdown ?? '',
  }
  for (const [format, text] of Object.entries(files)) {
    if (!plan.without?.includes(format as 'json')) writeFileSync(place(format), text)
  }
  if (plan.verdict !== undefined) {
    mkdirSync(place('out'))
    writeFileSync(place('out/verdict.dsse.json'), plan.verdict)
  }
  const code = plan.exit ?? (plan.report === undefined ? 0 : { allow: 0, deny: 3, undecided: 4 }[plan.report.outcome])
  const paths = { json: place('json'), sarif: place('sarif'), markdown: place('markdown') }
  return examine({ code, signal: null, output: plan.stderr ?? '', ...paths }, readGiven(given, directory))
}

const undecided = { base: 'origin/main', 'fail-on': 'never' }
const signing = { stage: 'production', 'verdict-directory': 'out', 'gate-key': 'gate.key' }
const production = report([], {}, { stage: 'production' })

describe('what is believed', () => {
  it.each<[string, Plan, Record<string, string>]>([
    ['an allow', { report: allowed }, {}],
    ['a denial', { report: denied }, {}],
    ['advice', { report: review([compared([result({ change: 'new' })])], 'allow') }, undecided],
    ['a signed verdict', { report: production, verdict: envelope('PASSED') }, signing],
  ])('%s', (_, plan, inputs) => {
    expect(look(plan, inputs).answer.outcome).toBe(plan.report?.outcome)
  })
})

describe('what is not believed', () => {
  it.each<[string, Plan, Record<string, string>, RegExp]>([
    ['a usage error', { report: allowed, exit: 2 }, {}, /ended with 2, what it was given is wrong/],
    ['an unknown exit code', { report: allowed, exit: 5 }, {}, /no exit code of Qaqpa/],
    ['a stopped command', { report: allowed, exit: 130 }, {}, /was stopped/],
    [
      'exit 0 over undecided',
      { report: report([result({ status: 'undecided' })]), exit: 0 },
      {},
      /report says undecided/,
    ],
    ['no Markdown', { report: allowed, without: ['markdown'] }, {}, /wrote no Markdown/],
    ['no SARIF', { report: allowed, without: ['sarif'] }, {}, /wrote no SARIF/],
    ['an empty report', { json: '' }, {}, /not JSON/],
    [
      'another schema',
      { json: JSON.stringify({ ...allowed, schema: 'urn:qaqpa:schema:report:v2' }) },
      {},
      /shape of a report: schema/,
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
    ['an answer about another model', { report: allowed }, { name: 'mortgage' }, /judged as credit/],
    ['an answer by other profiles', { report: allowed }, { profiles: 'kz gdpr' }, /judged by article-baseline/],
    ['one report where a review was asked', { report: allowed }, undecided, /shape of a review/],
    ['a review where a report was asked', { report: review([], 'allow') }, {}, /shape of a report/],
    ['a review of another base', { report: { ...review([], 'allow'), base: 'HEAD' } }, undecided, /compares with HEAD/],
    ['a review of another tree', { report: { ...review([], 'allow'), target: 'empty' } }, undecided, /about empty/],
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
      'a review of a commit that is neither SHA-1 nor SHA-256',
      { report: { ...review([], 'allow'), commit: `${COMMIT}00` } },
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
      'a review without a comparison',
      { report: review([denied], 'allow', 'new') },
      { base: 'origin/main', 'fail-on': 'new' },
      /without a comparison/,
    ],
    ['SARIF that is none', { report: allowed, sarif: '{}' }, {}, /not SARIF 2\.1\.0/],
    ['SARIF with too many runs', { report: allowed, sarif: sarif(1, 21) }, {}, /21 runs, and GitHub takes 20/],
    ['no signed verdict', { report: production }, signing, /wrote no signed verdict/],
    [
      'a signed verdict that failed',
      { report: production, verdict: envelope('FAILED') },
      signing,
      /says FAILED, and the report says allow/,
    ],
    ['a signed verdict that is no envelope', { report: production, verdict: '{}' }, signing, /no envelope/],
    [
      'a passed verdict over a denial',
      { report: report([result()], {}, { stage: 'production' }), verdict: envelope('PASSED') },
      signing,
      /says PASSED, and the report says deny/,
    ],
  ])('%s', (_, plan, inputs, message) => {
    expect(() => look(plan, inputs)).toThrow(message)
  })

  it('SARIF that is too large compressed', () => {
    let random = ''
    while (random.length < 16 * 1024 * 1024) random += Math.random().toString(36).slice(2)
    expect(() => look({ report: allowed, sarif: sarif(1, 1, random) })).toThrow(/bytes compressed/)
  })
})
