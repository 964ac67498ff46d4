// SPDX-License-Identifier: Apache-2.0
// GitHub refuses a SARIF file that is over its limits, and then nothing of it is seen.
import { copyFileSync, mkdirSync, renameSync } from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import * as core from '@actions/core'
import * as v from 'valibot'
import { Failure } from './failure.js'
import { written } from './run.js'

const MAX_GZIP_BYTES = 10 * 1024 * 1024
const MAX_RUNS = 20
const MAX_RESULTS = 25_000
const MAX_RULES = 25_000
const SHOWN_RESULTS = 5_000

const Sarif = v.looseObject({
  version: v.literal('2.1.0'),
  runs: v.array(
    v.looseObject({
      tool: v.looseObject({ driver: v.looseObject({ rules: v.optional(v.array(v.unknown()), []) }) }),
      results: v.array(v.unknown()),
    }),
  ),
})

/**
 * Checks the SARIF file that the command wrote.
 *
 * @throws Failure it is no SARIF, or GitHub would refuse it.
 */
export function checkSarif(file: string): void {
  const text = written(file, 'SARIF file')
  let runs: v.InferOutput<typeof Sarif>['runs']
  try {
    runs = v.parse(Sarif, JSON.parse(text)).runs
  } catch {
    throw new Failure('The SARIF file is not SARIF 2.1.0')
  }
  const most = (counts: number[]) => Math.max(0, ...counts)
  const results = most(runs.map((run) => run.results.length))
  const sizes: [string, number, number][] = [
    ['runs', runs.length, MAX_RUNS],
    ['results in a run', results, MAX_RESULTS],
    ['rules in a run', most(runs.map((run) => run.tool.driver.rules.length)), MAX_RULES],
    ['bytes compressed', gzipSync(text).length, MAX_GZIP_BYTES],
  ]
  for (const [what, size, limit] of sizes) {
    if (size > limit)
      throw new Failure(
        `The SARIF file has ${size} ${what}, and GitHub takes ${limit}`,
        'Judge fewer models in one step',
      )
  }
  if (results > SHOWN_RESULTS) core.warning(`GitHub shows ${SHOWN_RESULTS} of the ${results} results in the SARIF file`)
}

/** Puts the file where the user wants it, and returns its path. A link there is replaced, not followed. */
export function placeSarif(file: string, wanted: string, directory: string): string {
  if (wanted === '') return file
  const target = path.resolve(directory, wanted)
  mkdirSync(path.dirname(target), { recursive: true })
  const beside = `${target}.${process.pid}.part`
  copyFileSync(file, beside)
  renameSync(beside, target)
  return target
}
