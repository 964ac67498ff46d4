// SPDX-License-Identifier: Apache-2.0
// Reports as the command line writes them, small, and with what a test changes.
import type { Report, Result, Review } from '../../src/report.js'

export const DIGEST = 'ab'.repeat(32)
export const COMMIT = 'cd'.repeat(20)

export function result(changes: Partial<Result> = {}): Result {
  return {
    control: 'NDQ-02',
    code: 'selection_ratio_low',
    level: 'error',
    blocks: false,
    status: 'fail',
    title: 'Bias test across protected groups',
    message: 'By race, Black is selected less.',
    place: { file: 'governance/evidence/bias.yaml', line: 14, column: 5 },
    change: '',
    ...changes,
  }
}

type Status = Report['decision']['findings'][number]['status']

/** A report of one target whose findings, verdict and outcome follow from its results; all that denies blocks. */
export function report(
  results: Result[] = [],
  changes: Partial<Report> = {},
  decided: Partial<Report['decision']> = {},
): Report {
  const denied = results.filter(({ level }) => level === 'error')
  const undecided = denied.some(({ status }) => status === 'undecided' || status === 'problem')
  const failed = denied.some(({ status }) => status === 'fail')
  const verdict = failed ? 'deny' : undecided ? 'undecided' : 'allow'
  const statuses = new Map(
    results.filter(({ control }) => control !== '').map(({ control, status }) => [control, status as Status]),
  )
  const found = [...statuses].map(([control, status]) => ({ control, status }))
  return {
    schema: 'urn:qaqpa:schema:report:v1',
    qaqpa: '0.1.0',
    outcome: verdict,
    target: 'governance',
    results: results.map((each) => ({ ...each, blocks: each.blocks || each.level === 'error' })),
    comparison: null,
    decision: {
      verdict,
      stage: 'review',
      subject: { name: 'credit', digest: DIGEST },
      profiles: ['article-baseline'],
      findings: [...found, { control: 'TRN-01', status: 'pass' }],
      problems: results.filter(({ status }) => status === 'problem').map(({ code }) => ({ code })),
      ...decided,
    },
    ...changes,
  }
}

/** A report against a base; what is new of it denies. */
export function compared(results: Result[], target = 'governance/credit'): Report {
  const news = results.filter(({ change }) => change === 'new')
  const changes = news.map(({ control, code, level }) => ({
    control,
    code,
    field: '',
    level: level === 'error' ? ('deny' as const) : ('warn' as const),
  }))
  return report(results, { target, comparison: { existed: true, new: changes, mended: [] } })
}

/** A review in which what denies blocks as far as `failOn` says; what only warns blocks where a test says so. */
export function review(reports: Report[], outcome: Review['outcome'], failOn: Review['fail_on'] = 'never'): Review {
  const refused = ({ change }: Result) => failOn === 'any' || (failOn === 'new' && change === 'new')
  return {
    schema: 'urn:qaqpa:schema:review:v1',
    qaqpa: '0.1.0',
    outcome,
    fail_on: failOn,
    target: 'governance',
    base: 'origin/main',
    commit: COMMIT,
    reports: reports.map((each) => ({
      ...each,
      results: each.results.map((one) => ({ ...one, blocks: one.level === 'error' ? refused(one) : one.blocks })),
    })),
  }
}

export function sarif(results = 1, runs = 1, filler = ''): string {
  const run = {
    tool: { driver: { name: 'qaqpa', rules: [] } },
    results: Array(results).fill({ message: { text: filler } }),
  }
  return JSON.stringify({ version: '2.1.0', runs: Array(runs).fill(run) })
}

/** An envelope around a verification summary; nobody signed it. */
export function envelope(verdict: 'PASSED' | 'FAILED', digest = DIGEST): string {
  const statement = {
    subject: [{ name: 'credit', digest: { sha256: digest, dirHash: digest } }],
    predicate: { verificationResult: verdict },
  }
  return JSON.stringify({
    payload: Buffer.from(JSON.stringify(statement)).toString('base64'),
    signatures: [{ sig: 'AA==' }],
  })
}
