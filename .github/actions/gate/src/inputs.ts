// SPDX-License-Identifier: Apache-2.0
// Reads and checks the inputs. action.yml says what each means.
import { existsSync, statSync } from 'node:fs'
import path from 'node:path'
import * as core from '@actions/core'
import { Failure } from './failure.js'
import { hidden, shown } from './text.js'

const FAIL_ON = ['never', 'new', 'any'] as const
const STAGES = ['review', 'staging', 'production'] as const
const LANGUAGES = ['en', 'kk', 'ru'] as const
const EXTRAS = ['mlflow'] as const
const REGISTRY = /^models:\//
/** Longer ones are cut where reports name them, and could not be compared. */
const MAX_CHARACTERS = 300
const MAX_SECONDS = 21_600

export interface Inputs {
  /** A directory, or `models:/…`; empty only with `installOnly`. */
  target: string
  base: string
  failOn: (typeof FAIL_ON)[number]
  stage: (typeof STAGES)[number] | ''
  name: string
  profiles: string[]
  config: string
  language: (typeof LANGUAGES)[number]
  registryUri: string
  verdictDirectory: string
  gateKey: string
  gateKeyPassphraseFile: string
  sarifFile: string
  comment: boolean
  token: string
  command: string
  python: string
  extras: (typeof EXTRAS)[number] | ''
  installOnly: boolean
  timeoutMs: number
  /** Absolute; where the command runs. */
  directory: string
}

/**
 * The inputs, checked.
 *
 * @throws Failure one of them cannot be used, or two do not go together.
 */
export function readInputs(): Inputs {
  const inputs: Inputs = {
    target: value('target'),
    base: value('base'),
    failOn: choice('fail-on', FAIL_ON) || 'never',
    stage: choice('stage', STAGES),
    name: value('name'),
    profiles: list('profiles'),
    config: value('config'),
    language: choice('language', LANGUAGES) || 'en',
    registryUri: value('registry-uri'),
    verdictDirectory: value('verdict-directory'),
    gateKey: value('gate-key'),
    gateKeyPassphraseFile: value('gate-key-passphrase-file'),
    sarifFile: value('sarif-file'),
    comment: truth('comment'),
    token: core.getInput('github-token'),
    command: value('command'),
    python: value('python'),
    extras: choice('extras', EXTRAS),
    installOnly: truth('install-only'),
    timeoutMs: seconds('timeout-seconds') * 1000,
    directory: directory(value('working-directory')),
  }
  maskPassword(inputs.registryUri)
  together(inputs)
  return inputs
}

function together(inputs: Inputs): void {
  if (inputs.installOnly) {
    if (inputs.target !== '')
      throw new Failure('`install-only` judges nothing', 'Leave `target` out, or `install-only`')
    return
  }
  if (inputs.target === '')
    throw new Failure('The input `target` is empty', 'It names a directory or models:/name/version')
  if (inputs.base === '' && choice('fail-on', FAIL_ON) !== '') {
    throw new Failure('`fail-on` compares with a base', 'Give `base` too, or leave `fail-on` out')
  }
  if (inputs.base !== '' && REGISTRY.test(inputs.target)) {
    throw new Failure('`base` compares files, and the target is in a registry', 'Leave `base` out')
  }
  if (inputs.gateKey !== '' && inputs.verdictDirectory === '') {
    throw new Failure('`gate-key` is given without `verdict-directory`', 'Give both, or leave the key out')
  }
  if (inputs.gateKeyPassphraseFile !== '' && inputs.verdictDirectory === '') {
    throw new Failure('`gate-key-passphrase-file` is given without `verdict-directory`', 'Give both or neither')
  }
  if (inputs.base !== '' && inputs.verdictDirectory !== '') {
    throw new Failure('A comparison with a base yields no signed verdict', 'Leave `base` or `verdict-directory` out')
  }
}

/** One input, on one line. A leading `-` is refused, so that no value can be read as an option. */
function value(name: string): string {
  const text = core.getInput(name)
  if (text.startsWith('-')) throw new Failure(`The input \`${name}\` begins with "-"`, 'A path may begin with "./"')
  if (hidden(text)) throw new Failure(`The input \`${name}\` has a control character, or two lines`)
  if (text.length > MAX_CHARACTERS)
    throw new Failure(`The input \`${name}\` has more than ${MAX_CHARACTERS} characters`)
  return text
}

function choice<T extends string>(name: string, choices: readonly T[]): T | '' {
  const text = value(name)
  if (text === '') return ''
  const found = choices.find((each) => each === text)
  if (found === undefined) {
    throw new Failure(
      `The input \`${name}\` is ${JSON.stringify(shown(text, 100))}`,
      `It is one of ${choices.join(', ')}`,
    )
  }
  return found
}

function list(name: string): string[] {
  const items = core
    .getInput(name)
    .split(/[\s,]+/)
    .filter((item) => item !== '')
  const odd = items.find((item) => !/^[a-z0-9][a-z0-9._-]*$/i.test(item))
  if (odd !== undefined)
    throw new Failure(`The input \`${name}\` names ${JSON.stringify(shown(odd, 100))}`, 'Ids of profiles are wanted')
  return items
}

function truth(name: string): boolean {
  const text = value(name)
  if (text === 'true') return true
  if (text === 'false' || text === '') return false
  throw new Failure(`The input \`${name}\` is ${JSON.stringify(shown(text, 100))}`, 'It is true or false')
}

function seconds(name: string): number {
  const text = value(name) || '600'
  const number = Number(text)
  if (!/^\d+$/.test(text) || number < 1 || number > MAX_SECONDS) {
    throw new Failure(
      `The input \`${name}\` is ${JSON.stringify(shown(text, 100))}`,
      `It is a number from 1 to ${MAX_SECONDS}`,
    )
  }
  return number
}

function directory(text: string): string {
  const workspace = process.env['GITHUB_WORKSPACE'] ?? process.cwd()
  const found = path.resolve(workspace, text)
  if (!existsSync(found) || !statSync(found).isDirectory()) {
    throw new Failure(
      `The working directory ${shown(found)} does not exist`,
      'Is there a checkout step before this one?',
    )
  }
  return found
}

/** A password in the registry's address is a secret, also where a library quotes it in a message. */
function maskPassword(address: string): void {
  if (!URL.canParse(address)) return
  const { password } = new URL(address)
  if (password === '') return
  core.setSecret(password)
  try {
    core.setSecret(decodeURIComponent(password))
  } catch {
    // It is no encoding of anything, and so it is used as it stands.
  }
}
