// SPDX-License-Identifier: Apache-2.0
// Decides whether the command is believed: its exit code, what its report says, and what follows from the report's
// contents must be one answer, to the question that was asked. Otherwise there is no answer.
import { Failure } from './failure.js'
import type { Inputs } from './inputs.js'
import { type Change, isReview, parseReport, type Report, type Result, type Review, type Verdict } from './report.js'
import { type Ran, written } from './run.js'
import { shown } from './text.js'

const EXIT_CODES = new Map<number, Verdict>([
  [0, 'allow'],
  [3, 'deny'],
  [4, 'undecided'],
])
const OTHER_EXITS: Record<number, string> = {
  1: 'it crashed',
  2: 'what it was given is wrong',
  130: 'it was stopped',
}

/** What the command decided, once it is believed. */
export interface Answer {
  /** What the exit code says: anything but `allow` fails the step. */
  outcome: Verdict
  /** The worst of the verdicts on models and `outcome`, so that it is `allow` only where all is well. */
  verdict: Verdict
  judged: number
  /** How many requirements are not met: controls, and problems that are no control's. */
  denied: number
  /** How many things are worse than at the base; 0 without one. */
  worse: number
  /** The digest of the model, where exactly one was judged and its bytes are known. */
  digest: string
  qaqpa: string
  /** Worst first. */
  results: Result[]
}

/**
 * What the command decided.
 *
 * @throws Failure it did not decide, or does not deserve to be believed.
 */
export function believe(ran: Ran, inputs: Inputs): Answer {
  const said = exited(ran)
  const kind = inputs.base === '' ? 'report' : 'review'
  const report = parseReport(written(ran.json, 'report'), kind)
  if (report.outcome !== said) {
    throw new Failure(`The command ended with ${ran.code} (${said}), and its report says ${report.outcome}`)
  }
  const review = isReview(report)
  const reports = review ? report.reports : [report]
  for (const each of reports) consistent(each)
  const follows = review ? reviewed(report, inputs) : single(report, inputs)
  if (follows !== said) throw new Failure(`The report says ${said}, and ${follows} follows from what it holds`)
  for (const each of reports) {
    asked(each, inputs)
    blamed(each, inputs)
  }
  return answer(report, reports)
}

function exited(ran: Ran): Verdict {
  if (ran.code === null) throw new Failure(`The command was ended by ${ran.signal ?? 'a signal'} before it decided`)
  const said = EXIT_CODES.get(ran.code)
  if (said === undefined) {
    const why = OTHER_EXITS[ran.code] ?? 'which is no exit code of Qaqpa'
    throw new Failure(`The command could not decide: it ended with ${ran.code}, ${why}`, lastWords(ran.output))
  }
  return said
}

function lastWords(output: string): string {
  const lines = output.split(/\r\n|\r|\n/).filter((line) => line.trim() !== '')
  return lines.length === 0 ? 'It said nothing' : `It said: ${shown(lines.slice(-4).join(' / '), 1000)}`
}

/** The verdict that follows from a decision's findings and problems, and the results that belong to it. */
function consistent(report: Report): void {
  const { decision, results } = report
  const name = shown(report.target, 200)
  const statuses = new Set(decision.findings.map((finding) => finding.status))
  const sound = statuses.size > 0 && !statuses.has('undecided') && decision.problems.length === 0
  const possible: Verdict[] = statuses.has('fail') ? ['deny'] : sound ? ['allow'] : ['deny', 'undecided']
  if (!possible.includes(decision.verdict)) {
    throw new Failure(`${name}: the verdict ${decision.verdict} does not follow from its findings`)
  }
  if (report.outcome !== decision.verdict) {
    throw new Failure(`${name}: the outcome ${report.outcome} is not the verdict ${decision.verdict}`)
  }
  const errors = results.filter((result) => result.level === 'error')
  if ((errors.length === 0) !== (decision.verdict === 'allow')) {
    throw new Failure(`${name}: the verdict is ${decision.verdict}, with ${errors.length} result(s) that deny`)
  }
  const named = new Set(errors.map((result) => result.control))
  const unsaid = decision.findings.find((finding) => finding.status === 'fail' && !named.has(finding.control))
  if (unsaid !== undefined) throw new Failure(`${name}: ${shown(unsaid.control, 100)} failed, and no result says so`)
}

function single(report: Report, inputs: Inputs): Verdict {
  about(report.target, inputs)
  return report.decision.verdict
}

function about(target: string, inputs: Inputs): void {
  if (target !== inputs.target)
    throw new Failure(`The report is about ${shown(target, 300)}`, `${shown(inputs.target, 300)} was asked`)
}

function reviewed(review: Review, inputs: Inputs): Verdict {
  about(review.target, inputs)
  if (review.fail_on !== inputs.failOn)
    throw new Failure(`The report answers --fail-on ${review.fail_on}`, `${inputs.failOn} was asked`)
  if (review.base !== inputs.base)
    throw new Failure(`The report compares with ${shown(review.base, 300)}`, `${shown(inputs.base, 300)} was asked`)
  const verdicts = review.reports.map((each) => each.decision.verdict)
  if (review.reports.some((each) => each.comparison === null)) {
    throw new Failure('The review has a report without a comparison')
  }
  if (verdicts.includes('undecided')) return 'undecided'
  const worse = review.reports.some((each) => worsened(each).length > 0)
  const denied = worse || verdicts.includes('deny')
  return { never: false, new: worse, any: denied }[review.fail_on] ? 'deny' : 'allow'
}

/** What denies now and did not at the base. */
function worsened(report: Report): Change[] {
  return report.comparison?.new.filter((change) => change.level === 'deny') ?? []
}

/** The decision is about what was asked. */
function asked(report: Report, inputs: Inputs): void {
  const { stage, subject, profiles } = report.decision
  const name = shown(report.target, 200)
  if (inputs.stage !== '' && stage !== inputs.stage)
    throw new Failure(`${name} was judged for ${stage}`, `${inputs.stage} was asked`)
  if (inputs.name !== '' && subject.name !== inputs.name) {
    throw new Failure(`${name} was judged as ${shown(subject.name, 200)}`, `${shown(inputs.name, 200)} was asked`)
  }
  const wanted = [...new Set(inputs.profiles)].sort()
  if (wanted.length > 0 && wanted.join() !== [...profiles].sort().join()) {
    throw new Failure(`${name} was judged by ${shown(profiles.join(', '), 300)}`, `${wanted.join(', ')} was asked`)
  }
}

function answer(report: Report | Review, reports: Report[]): Answer {
  const verdicts = reports.map((each) => each.decision.verdict)
  const worst = (['undecided', 'deny'] as const).find((each) => verdicts.includes(each)) ?? report.outcome
  const digests = reports.map((each) => each.decision.subject.digest ?? '')
  return {
    outcome: report.outcome,
    verdict: worst,
    judged: reports.length,
    denied: reports.reduce((sum, each) => sum + unmet(each), 0),
    worse: reports.reduce((sum, each) => sum + worsened(each).length, 0),
    digest: digests.length === 1 ? (digests[0] ?? '') : '',
    qaqpa: report.qaqpa,
    results: reports.flatMap((each) => each.results).sort((a, b) => rank(a) - rank(b)),
  }
}

function unmet(report: Report): number {
  const { findings, problems } = report.decision
  return findings.filter(({ status }) => status === 'fail' || status === 'undecided').length + problems.length
}

/**
 * What the report says makes the step fail is what does: all that denies where all of it is refused, and with a base what
 * became worse, though it may be no violation, such as a context that was made milder.
 */
function blamed(report: Report, inputs: Inputs): void {
  const undecided = report.decision.verdict === 'undecided'
  const everything = inputs.base === '' || inputs.failOn === 'any' || undecided
  const refused = inputs.base === '' || inputs.failOn === 'never' ? [] : worsened(report)
  const named = ({ control, code }: { control: string; code: string }) => `${control}/${code}`
  const worse = new Set(refused.map(named))
  const blocking = report.results.filter((result) => result.blocks)
  const name = shown(report.target, 200)
  const silent = [...worse].find((each) => !blocking.some((result) => named(result) === each))
  if (silent !== undefined) throw new Failure(`${name}: ${shown(silent, 200)} is refused, and no result says so`)
  const excused = everything && report.results.find((result) => result.level === 'error' && !result.blocks)
  const blame = blocking.find((result) => !(everything && result.level === 'error') && !worse.has(named(result)))
  const wrong = excused || blame
  if (wrong) {
    const said = wrong.blocks ? 'makes the step fail' : 'does not make the step fail'
    throw new Failure(`${name}: a result says that ${shown(named(wrong), 200)} ${said}, which does not follow`)
  }
}

function rank(result: Result): number {
  const level = { error: 0, warning: 2, note: 4 }[result.level]
  return (result.blocks ? 0 : 10) + level + (result.change === 'new' ? 0 : 1)
}
