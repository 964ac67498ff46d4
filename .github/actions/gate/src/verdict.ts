// SPDX-License-Identifier: Apache-2.0
// The signed verdict. `qaqpa verify` checks its signature, with a key that is trusted; here it only has to say the same
// as the report.
import path from 'node:path'
import * as v from 'valibot'
import type { Answer } from './answer.js'
import { Failure } from './failure.js'
import type { Inputs } from './inputs.js'
import { written } from './run.js'

const FILE = 'verdict.dsse.json'

const Envelope = v.looseObject({ payload: v.string(), signatures: v.pipe(v.array(v.unknown()), v.minLength(1)) })
const Statement = v.looseObject({
  subject: v.pipe(v.array(v.looseObject({ digest: v.looseObject({ sha256: v.string() }) })), v.minLength(1)),
  predicate: v.looseObject({ verificationResult: v.picklist(['PASSED', 'FAILED']) }),
})

/**
 * The path of the signed verdict; empty where none was asked for, or where one that did not pass is about no bytes.
 *
 * @throws Failure it is missing, or says something else than the answer.
 */
export function findVerdict(answer: Answer, inputs: Inputs): string {
  if (inputs.verdictDirectory === '') return ''
  if (answer.outcome !== 'allow' && answer.digest === '') return ''
  const file = path.resolve(inputs.directory, inputs.verdictDirectory, FILE)
  const text = written(file, 'signed verdict')
  let statement: v.InferOutput<typeof Statement>
  try {
    const envelope = v.parse(Envelope, JSON.parse(text))
    statement = v.parse(Statement, JSON.parse(Buffer.from(envelope.payload, 'base64').toString('utf8')))
  } catch {
    throw new Failure('The signed verdict is no envelope around a verification summary')
  }
  const result = statement.predicate.verificationResult
  if ((result === 'PASSED') !== (answer.outcome === 'allow')) {
    throw new Failure(`The signed verdict says ${result}, and the report says ${answer.outcome}`)
  }
  if (!statement.subject.every((each) => each.digest.sha256 === answer.digest)) {
    throw new Failure('The signed verdict is about other bytes than the report')
  }
  return file
}
