// SPDX-License-Identifier: Apache-2.0
// The built action writes one comment on the pull request, and touches nobody else's.
import { beforeEach, describe, expect, it } from 'vitest'
import { type Api, startApi } from './support/api.js'
import { report, result } from './support/documents.js'
import { judge, noPass, type Plan } from './support/gate.js'

const OWN = { pull_request: { number: 7, head: { repo: { full_name: 'acme/credit' } } } }
const FORK = { pull_request: { number: 7, head: { repo: { full_name: 'mallory/credit' } } } }
const GONE = { pull_request: { number: 7, head: { repo: null } } }
const plan: Plan = { report: report(), markdown: '## Allowed' }

let api: Api
beforeEach(async () => {
  api = await startApi()
})

function comment(event: object, inputs: Record<string, string> = {}, by: Plan = plan) {
  return judge(by, { comment: 'true', ...inputs }, { event, env: { GITHUB_API_URL: api.url } })
}

describe('the comment', () => {
  it('is off by default', async () => {
    const run = await judge(plan, {}, { event: OWN, env: { GITHUB_API_URL: api.url } })
    expect([run.code, api.calls]).toEqual([0, []])
  })

  it('is written, then updated in place', async () => {
    expect((await comment(OWN)).errors).toEqual([])
    expect(api.comments).toHaveLength(1)
    expect(api.comments[0]?.body).toMatch(/^<!-- qaqpa-gate:[0-9a-f]{32} -->\n## Allowed$/)
    const second = await comment(OWN, {}, { report: report([result()]), markdown: '## Denied' })
    expect([second.code, api.comments.length]).toEqual([1, 1])
    expect(api.comments[0]?.body).toMatch(/\n## Denied$/)
    expect(api.calls.at(-1)).toBe('PATCH /repos/acme/credit/issues/comments/1')
    expect([...api.authorization]).toEqual(['token a-token'])
  })

  it('is found behind more than a hundred others', async () => {
    await comment(OWN)
    const own = api.comments.splice(0)
    const others = Array.from({ length: 130 }, (_, n) => ({
      id: 100 + n,
      body: 'hello',
      user: { login: 'ana', type: 'User' as const },
    }))
    api.comments.push(...others, ...own)
    await comment(OWN)
    expect(api.comments).toHaveLength(131)
    expect(api.calls.at(-1)).toMatch(/^PATCH/)
  })

  it('of another gate, target or job is another one', async () => {
    await comment(OWN)
    await comment(OWN, { stage: 'review' })
    await judge(plan, { comment: 'true' }, { event: OWN, env: { GITHUB_API_URL: api.url, GITHUB_JOB: 'other' } })
    expect(api.comments).toHaveLength(3)
  })

  it('of a person that begins with the marker is left alone', async () => {
    await comment(OWN)
    const [own] = api.comments
    const forged = { id: 50, body: own?.body ?? '', user: { login: 'mallory', type: 'User' as const } }
    api.comments = [forged, { id: 51, body: `quoted: ${own?.body}`, user: { login: 'echo[bot]', type: 'Bot' } }]
    await comment(OWN)
    expect(api.comments).toHaveLength(3)
    expect(api.comments[0]).toEqual({ ...forged })
  })

  it("with a person's token is that person's", async () => {
    api.login = 'ana'
    await comment(OWN)
    await comment(OWN)
    expect(api.comments.map(({ user }) => user.login)).toEqual(['ana'])
  })

  it('is as long as GitHub takes', async () => {
    await comment(OWN, {}, { ...plan, markdown: `${'x'.repeat(100)}\n`.repeat(2000) })
    expect(Buffer.byteLength(api.comments[0]?.body ?? '')).toBeLessThanOrEqual(65_536)
    expect(api.comments[0]?.body).toContain('Cut here')
  })

  it.each([
    ['from a fork', FORK],
    ['whose repository is gone', GONE],
  ])('is not tried on a pull request %s, and that is said', async (_, event) => {
    const run = await comment(event)
    expect([run.code, api.calls]).toEqual([0, []])
    expect(run.commands[0]).toMatchObject({ name: 'warning', message: expect.stringContaining('fork') })
  })

  it('is not tried outside a pull request, and that is said', async () => {
    const run = await comment({})
    expect([run.code, api.calls]).toEqual([0, []])
    expect(run.commands[0]?.message).toContain('not about a pull request')
  })

  it('without a token is a mistake, found before anything is judged', async () => {
    const run = await comment(OWN, { 'github-token': '' })
    expect(noPass(run)).toBe(true)
    expect(run.called).toBeUndefined()
    expect(run.errors[0]).toContain('`github-token` is empty')
  })

  it('without a token on a pull request from a fork is not tried', async () => {
    expect((await comment(FORK, { 'github-token': '' })).code).toBe(0)
  })

  it.each([403, 500])('that GitHub refuses with %i is an error, and changes no answer', async (status) => {
    api.refuse = status
    const run = await comment(OWN)
    expect([run.code, run.outputs['verdict']]).toEqual([0, 'allow'])
    expect(run.errors[0]).toContain('The comment could not be written')
  })

  it('that nobody takes changes no denial', async () => {
    const run = await judge({ report: report([result()]) }, { comment: 'true' }, { event: OWN })
    expect([run.code, run.outputs['verdict']]).toEqual([1, 'deny'])
  })
})
