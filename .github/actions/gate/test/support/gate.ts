// SPDX-License-Identifier: Apache-2.0
// The built action over a command that does as it is told.
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Report, Review } from '../../src/report.js'
import { sarif } from './documents.js'
import { newRunner, type Run, type Runner } from './runner.js'

export const FAKE = path.join(import.meta.dirname, 'fake-qaqpa.mjs')

/** What the command does. By default its exit code fits the report. */
export interface Plan {
  report?: Report | Review
  /** Instead of the report's JSON. */
  json?: string
  sarif?: string
  markdown?: string
  without?: ('json' | 'sarif' | 'markdown')[]
  verdict?: string
  exit?: number
  signal?: string
  /** A file for the process ids of a command that does not end. */
  hang?: string
  stdout?: string
  stderr?: string
}

export interface Called {
  args: string[]
  env: Record<string, string>
  cwd: string
}

export interface Judged extends Run {
  runner: Runner
  /** How the command was called; undefined where it was not. */
  called: Called | undefined
}

/** Runs the action on the target `governance` with a command that follows the plan. */
export async function judge(
  plan: Plan,
  inputs: Record<string, string> = {},
  more: Parameters<Runner['run']>[1] = {},
  runner = newRunner(),
): Promise<Judged> {
  const called = path.join(runner.directory, 'called.json')
  const { report, json, markdown = '## Qaqpa\n', without = [], ...rest } = plan
  const files = { json: json ?? JSON.stringify(report), sarif: plan.sarif ?? sarif(), markdown }
  for (const format of without) delete (files as Partial<typeof files>)[format]
  const exit = plan.exit ?? (report === undefined ? 0 : { allow: 0, deny: 3, undecided: 4 }[report.outcome])
  const file = path.join(runner.directory, 'plan.json')
  writeFileSync(file, JSON.stringify({ ...rest, exit, called, files }))
  const run = await runner.run(
    { target: 'governance', command: FAKE, ...inputs },
    { ...more, env: { FAKE_PLAN: file, ...more.env } },
  )
  return { ...run, runner, called: read(called) }
}

function read(file: string): Called | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Called
  } catch {
    return undefined
  }
}

/** Nothing in what the run left behind reads as a pass. */
export function noPass(run: Run): boolean {
  return run.code !== 0 && Object.keys(run.outputs).length === 0 && run.errors.length > 0
}
