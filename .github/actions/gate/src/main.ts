// SPDX-License-Identifier: Apache-2.0
// The order of things. Whatever is thrown fails the step, and outputs are set only for an answer that is believed.
import * as core from '@actions/core'
import { annotate } from './annotate.js'
import { type Answer, believe } from './answer.js'
import { placeForComment, writeComment } from './comment.js'
import { Failure } from './failure.js'
import { type Inputs, readInputs } from './inputs.js'
import { prepare } from './install.js'
import { check, type Ran, written } from './run.js'
import { checkSarif, placeSarif } from './sarif.js'
import { summarize } from './summary.js'
import { logOutput, shown } from './text.js'
import { findVerdict } from './verdict.js'

/**
 * Judges and shows.
 *
 * @param cancelled aborts when the runner stops the step
 * @returns true only where the answer is that the model may pass
 */
export async function run(cancelled: AbortSignal): Promise<boolean> {
  try {
    return await gate(cancelled)
  } catch (error) {
    core.setFailed(shown(error instanceof Failure ? error.message : `The action failed: ${String(error)}`))
    return false
  }
}

async function gate(cancelled: AbortSignal): Promise<boolean> {
  const inputs = readInputs()
  const commentOn = placeOfComment(inputs)
  const qaqpa = await prepare(inputs)
  if (inputs.installOnly) {
    core.setOutput('command', qaqpa.executable)
    return true
  }
  const ran = await check(qaqpa.command, inputs, cancelled)
  logOutput('qaqpa', ran.output)
  const { answer, markdown, verdictFile } = examine(ran, inputs)
  const sarifFile = placeSarif(ran.sarif, inputs.sarifFile, inputs.directory)
  if (cancelled.aborted) throw new Failure('The run was cancelled')
  const outputs = {
    ...outputsOf(answer),
    'verdict-file': verdictFile,
    'sarif-file': sarifFile,
    command: qaqpa.executable,
  }
  for (const [name, text] of Object.entries(outputs)) core.setOutput(name, text)
  await show(answer, markdown, inputs, commentOn)
  return conclude(answer, inputs)
}

/** What the command decided, and what it left behind to show it. */
export interface Examined {
  answer: Answer
  markdown: string
  /** Empty where there is none. */
  verdictFile: string
}

/**
 * Looks at everything that the command left behind, before any of it is passed on.
 *
 * @throws Failure something is missing, or does not go together
 */
export function examine(ran: Ran, inputs: Inputs): Examined {
  const answer = believe(ran, inputs)
  checkSarif(ran.sarif)
  return { answer, markdown: written(ran.markdown, 'Markdown report'), verdictFile: findVerdict(answer, inputs) }
}

function placeOfComment(inputs: Inputs): number | undefined {
  if (!inputs.comment || inputs.installOnly) return undefined
  const place = placeForComment()
  if ('none' in place) {
    core.warning(`No comment is written: ${place.none}`)
    return undefined
  }
  if (inputs.token === '')
    throw new Failure('`comment` is true, and `github-token` is empty', 'Give a token, or leave `comment` out')
  return place.number
}

function outputsOf(answer: Answer): Record<string, string> {
  const { outcome, verdict, denied, judged, digest } = answer
  return { outcome, verdict, denied: String(denied), judged: String(judged), 'model-digest': digest }
}

/** Showing is worth trying, whatever fails in it: the answer stands, and denies or allows all the same. */
async function show(answer: Answer, markdown: string, inputs: Inputs, commentOn: number | undefined): Promise<void> {
  await attempt('The annotations', () => {
    const left = annotate(answer.results, inputs.directory)
    return attempt('The job summary', () => summarize(markdown, answer, left))
  })
  if (commentOn === undefined) return
  await attempt('The comment', () => writeComment(commentOn, markdown, gateName(inputs), inputs.token))
}

async function attempt(what: string, action: () => Promise<void>): Promise<void> {
  try {
    await action()
  } catch (error) {
    core.error(`${what} could not be written: ${shown(error instanceof Error ? error.message : error, 500)}`)
  }
}

/** Two gates on one pull request, for another target or in another job, have a comment each. */
function gateName(inputs: Inputs): string {
  const run = [process.env['GITHUB_WORKFLOW'], process.env['GITHUB_JOB']]
  return JSON.stringify([...run, inputs.target, inputs.stage, inputs.name, inputs.profiles])
}

function conclude(answer: Answer, inputs: Inputs): boolean {
  const worse = inputs.base === '' ? '' : `${answer.worse} thing(s) worse than at the base, `
  const requirements = `${worse}${answer.denied} requirement(s) not met`
  if (answer.outcome === 'allow') {
    const advice = answer.verdict === 'allow' ? '' : `; ${requirements}, which \`fail-on: ${inputs.failOn}\` lets pass`
    core.info(`Qaqpa ${answer.qaqpa}: allowed${advice}`)
    return true
  }
  const said = answer.outcome === 'deny' ? `denied: ${requirements}` : 'undecided, which does not pass'
  core.setFailed(shown(`Qaqpa ${answer.qaqpa}: ${said}`))
  return false
}
