// SPDX-License-Identifier: Apache-2.0
// Shows results on the lines of the files that they are about.
import path from 'node:path'
import * as core from '@actions/core'
import type { Result } from './report.js'
import { shown } from './text.js'

/** GitHub shows ten of each kind for a step, and drops the rest without a word; one is for what the step says itself. */
const SHOWN_OF_EACH = 9

/**
 * Annotates the results, which come worst first, and returns how many GitHub would not have shown and were left out.
 * What does not fail the step is no error: it is shown as a warning.
 *
 * @param directory where the command ran, which paths are relative to
 */
export function annotate(results: readonly Result[], directory: string): number {
  const ways = { error: core.error, warning: core.warning, notice: core.notice }
  const counts = { error: 0, warning: 0, notice: 0 }
  for (const result of results) {
    const kind = result.blocks ? 'error' : result.level === 'note' ? 'notice' : 'warning'
    counts[kind] += 1
    if (counts[kind] <= SHOWN_OF_EACH) ways[kind](shown(result.message, 1000), properties(result, directory))
  }
  return Object.values(counts).reduce((left, count) => left + Math.max(0, count - SHOWN_OF_EACH), 0)
}

function properties(result: Result, directory: string): core.AnnotationProperties {
  const title = shown(`${result.control} ${result.title}`.trim(), 200)
  if (result.place === null) return { title }
  const { file, line, column } = result.place
  const workspace = process.env['GITHUB_WORKSPACE'] ?? directory
  const inside = path.relative(workspace, path.resolve(directory, file))
  if (inside === '' || inside.startsWith('..') || path.isAbsolute(inside)) return { title }
  return { title, file: shown(inside), startLine: line, endLine: line, startColumn: column, endColumn: column }
}
