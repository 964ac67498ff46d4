// SPDX-License-Identifier: Apache-2.0
// Inputs of the built action: how they reach the command, and which are refused before it is called.
import { tmpdir } from 'node:os'
import { describe, expect, it } from 'vitest'
import { report, review } from './support/documents.js'
import { FAKE, judge, noPass } from './support/gate.js'
import { readGiven } from './support/inputs.js'

describe('inputs', () => {
  it('reach the command as one value each', async () => {
    const inputs = {
      target: 'my models/$(touch x); "a"',
      name: 'credit',
      stage: 'production',
      profiles: 'kz, gdpr\n unesco',
      config: 'a b.yaml',
      language: 'ru',
      'registry-uri': 'sqlite:///x.db',
    }
    const { called } = await judge({ report: report() }, inputs)
    expect(called?.args).toEqual([
      'check',
      ...[
        '--stage=production',
        '--name=credit',
        '--profile=kz',
        '--profile=gdpr',
        '--profile=unesco',
        '--config=a b.yaml',
      ],
      ...['--registry-uri=sqlite:///x.db', '--lang=ru'],
      ...['json', 'sarif', 'markdown'].map((format) =>
        expect.stringMatching(`^--format=${format}=/.*/report\\.(json|sarif|md)$`),
      ),
      ...['--', 'my models/$(touch x); "a"'],
    ])
  })

  it('for a comparison and a verdict reach it too', async () => {
    const compare = await judge({ report: review([], 'allow', 'any') }, { base: 'origin/main', 'fail-on': 'any' })
    expect(compare.called?.args).toEqual(expect.arrayContaining(['--base=origin/main', '--fail-on=any']))
    const advice = await judge({ report: review([], 'allow') }, { base: 'origin/main' })
    expect(advice.called?.args).toContain('--fail-on=never')
    const sign = await judge(
      { report: report() },
      { 'verdict-directory': 'out', 'gate-key': 'k', 'gate-key-passphrase-file': 'p' },
    )
    expect(sign.called?.args).toEqual(expect.arrayContaining(['--verdict=out', '--gate-key=k', '--passphrase-file=p']))
  })

  it('a password in the address of a registry is masked', async () => {
    const { commands } = await judge({ report: report() }, { 'registry-uri': 'https://ana:p%40ss@mlflow.example' })
    expect(commands.filter(({ name }) => name === 'add-mask').map(({ message }) => message)).toEqual([
      'p%2540ss',
      'p@ss',
    ])
  })

  it.each<[string, Record<string, string>, RegExp]>([
    ['a target that looks like an option', { target: '--help' }, /`target` begins with "-"/],
    ['a command that is not there', { command: './nowhere' }, /is not there, or cannot be executed/],
    ['a command with arguments', { command: `${FAKE} --quiet` }, /is not there, or cannot be executed/],
  ])('%s is refused before anything is called', async (_, inputs, message) => {
    const run = await judge({ report: report() }, inputs)
    expect(noPass(run), run.log).toBe(true)
    expect(run.called).toBeUndefined()
    expect(run.errors).toEqual([expect.stringMatching(message)])
  })

  it.each<[string, Record<string, string>, RegExp]>([
    ['no target', { target: '' }, /`target` is empty/],
    ['a target that looks like an option', { target: '--help' }, /`target` begins with "-"/],
    ['a name that looks like an option', { name: '-x' }, /`name` begins with "-"/],
    ['a base that looks like an option', { base: '--upload-pack=x' }, /`base` begins with "-"/],
    ['a profile that looks like an option', { profiles: 'kz --config=x' }, /`profiles` names "--config=x"/],
    ['a target with two lines', { target: 'a\nb' }, /`target` has a control character/],
    ['a target with a hidden character', { target: 'a\u202eb' }, /`target` has a control character/],
    ['an unknown stage', { stage: 'prod' }, /It is one of review, staging, production/],
    ['an unknown language', { language: 'de' }, /It is one of en, kk, ru/],
    ['an unknown fail-on', { base: 'x', 'fail-on': 'all' }, /It is one of never, new, any/],
    ['fail-on without base', { 'fail-on': 'any' }, /`fail-on` compares with a base/],
    ['a base for a registry', { base: 'x', target: 'models:/credit/7' }, /the target is in a registry/],
    ['a key without a verdict', { 'gate-key': 'k' }, /without `verdict-directory`/],
    ['a passphrase without a key', { 'gate-key-passphrase-file': 'p' }, /without `verdict-directory`/],
    ['a verdict of a comparison', { base: 'x', 'verdict-directory': 'out', 'gate-key': 'k' }, /no signed verdict/],
    ['a truth that is none', { comment: 'yes' }, /It is true or false/],
    ['a time that is none', { 'timeout-seconds': '1e3' }, /a number from 1 to/],
    ['no time', { 'timeout-seconds': '0' }, /a number from 1 to/],
    ['a directory that is not there', { 'working-directory': 'nowhere' }, /does not exist/],
    ['an unknown extra', { extras: 'everything' }, /It is one of mlflow/],
    ['install-only with a target', { 'install-only': 'true' }, /judges nothing/],
  ])('%s is refused', (_, inputs, message) => {
    expect(() => readGiven(inputs, tmpdir())).toThrow(message)
  })
})
