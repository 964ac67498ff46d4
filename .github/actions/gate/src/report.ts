// SPDX-License-Identifier: Apache-2.0
// The shape of the JSON report: what this action reads of it. Members that it does not read may come and go.
import * as v from 'valibot'
import { Failure } from './failure.js'
import { shown } from './text.js'

const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, 'a SHA-256 in hexadecimal digits'))
const whole = v.pipe(v.number(), v.integer(), v.minValue(1))
const Verdict = v.picklist(['allow', 'deny', 'undecided'])

const Place = v.looseObject({ file: v.string(), line: whole, column: whole })

const Result = v.looseObject({
  control: v.string(),
  code: v.string(),
  level: v.picklist(['error', 'warning', 'note']),
  blocks: v.boolean(),
  status: v.picklist(['fail', 'warn', 'waived', 'undecided', 'problem']),
  title: v.string(),
  message: v.string(),
  place: v.nullable(Place),
  change: v.picklist(['new', 'known', '']),
})

const Decision = v.looseObject({
  verdict: Verdict,
  stage: v.picklist(['review', 'staging', 'production']),
  subject: v.looseObject({ name: v.string(), digest: v.nullable(sha256) }),
  profiles: v.array(v.string()),
  findings: v.array(
    v.looseObject({
      control: v.string(),
      status: v.picklist(['pass', 'fail', 'warn', 'waived', 'not_applicable', 'undecided']),
    }),
  ),
  problems: v.array(v.looseObject({ code: v.string() })),
})

const Change = v.looseObject({
  control: v.string(),
  code: v.string(),
  field: v.string(),
  level: v.picklist(['deny', 'warn']),
})
const Comparison = v.looseObject({ existed: v.boolean(), new: v.array(Change), mended: v.array(Change) })

const Report = v.looseObject({
  schema: v.literal('urn:qaqpa:schema:report:v1'),
  qaqpa: v.string(),
  outcome: Verdict,
  target: v.string(),
  results: v.array(Result),
  comparison: v.nullable(Comparison),
  decision: Decision,
})

const Review = v.looseObject({
  schema: v.literal('urn:qaqpa:schema:review:v1'),
  qaqpa: v.string(),
  outcome: Verdict,
  fail_on: v.picklist(['never', 'new', 'any']),
  target: v.string(),
  base: v.string(),
  commit: v.pipe(v.string(), v.regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, 'a commit in hexadecimal digits')),
  reports: v.array(Report),
})

export type Verdict = v.InferOutput<typeof Verdict>
export type Result = v.InferOutput<typeof Result>
export type Change = v.InferOutput<typeof Change>
export type Report = v.InferOutput<typeof Report>
export type Review = v.InferOutput<typeof Review>

/** Tells the two apart. */
export function isReview(report: Report | Review): report is Review {
  return report.schema === 'urn:qaqpa:schema:review:v1'
}

/**
 * The report of one target, or with a base the review of several.
 *
 * @throws Failure it is not JSON, or does not have the shape that was asked for.
 */
export function parseReport(text: string, kind: 'report' | 'review'): Report | Review {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new Failure(`The report is not JSON: ${shown((error as Error).message, 200)}`)
  }
  const parsed = v.safeParse<typeof Report | typeof Review>(kind === 'report' ? Report : Review, value)
  if (parsed.success) return parsed.output
  const [issue] = parsed.issues
  const where = v.getDotPath(issue) ?? 'the report'
  throw new Failure(
    `The report does not have the shape of a ${kind}: ${shown(where, 200)}: ${shown(issue.message, 300)}`,
  )
}
