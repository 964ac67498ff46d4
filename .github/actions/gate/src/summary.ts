// SPDX-License-Identifier: Apache-2.0
// The job summary: the command's Markdown, with what annotations could not show.
import * as core from '@actions/core'
import type { Answer } from './answer.js'
import { fitted } from './text.js'

/** GitHub drops a summary of more than 1 MiB; this leaves room for what the step has written before. */
const MAX_BYTES = 1024 * 1024 - 16 * 1024

/** Writes the summary. `left` is how many annotations were left out. */
export async function summarize(markdown: string, answer: Answer, left: number): Promise<void> {
  if (left > 0) core.summary.addRaw(`> ${left} more result(s) than GitHub annotates are listed below.\n\n`)
  if (answer.judged === 0) core.summary.addRaw('> No model was judged: the change touches none.\n\n')
  core.summary.addRaw(
    fitted(markdown, MAX_BYTES, '_Cut here: GitHub shows no longer summary. The SARIF file has everything._'),
    true,
  )
  await core.summary.write()
}
