// SPDX-License-Identifier: Apache-2.0
// A stand-in for GitHub's API on loopback, with the comments of one pull request.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface Comment {
  id: number
  body: string
  user: { login: string; type: 'Bot' | 'User' }
}

export interface Api {
  url: string
  comments: Comment[]
  /** `METHOD path` of every request, in order. */
  calls: string[]
  /** Who asks; undefined for the token of a run, which has no user. */
  login: string | undefined
  /** Answers every request that writes with this status. */
  refuse: number | undefined
  authorization: Set<string>
}

/** Starts it; it ends with the test. */
export async function startApi(): Promise<Api> {
  const api: Api = { url: '', comments: [], calls: [], login: undefined, refuse: undefined, authorization: new Set() }
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1')
    api.calls.push(`${request.method} ${pathname}`)
    api.authorization.add(request.headers.authorization ?? '')
    const [status, value] = answer(api, request.method ?? '', pathname, searchParams, text)
    const next =
      request.method === 'GET' && pathname.endsWith('/comments') ? Number(searchParams.get('page') ?? '1') + 1 : 0
    if (next > 0 && (next - 1) * 100 < api.comments.length)
      response.setHeader('link', `<${api.url}${pathname}?per_page=100&page=${next}>; rel="next"`)
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  api.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return api
}

function answer(api: Api, method: string, pathname: string, query: URLSearchParams, text: string): [number, unknown] {
  if (pathname === '/user')
    return api.login === undefined
      ? [403, { message: 'Resource not accessible by integration' }]
      : [200, { login: api.login }]
  if (method !== 'GET' && api.refuse !== undefined)
    return [api.refuse, { message: 'Resource not accessible by integration' }]
  const { body } = text === '' ? { body: '' } : (JSON.parse(text) as { body: string })
  if (method === 'GET' && pathname === '/repos/acme/credit/issues/7/comments') {
    const from = (Number(query.get('page') ?? '1') - 1) * 100
    return [200, api.comments.slice(from, from + 100)]
  }
  if (method === 'POST' && pathname === '/repos/acme/credit/issues/7/comments') {
    const user = { login: api.login ?? 'github-actions[bot]', type: api.login === undefined ? 'Bot' : 'User' } as const
    api.comments.push({ id: api.comments.length + 1, body, user })
    return [201, api.comments.at(-1)]
  }
  const found = api.comments.find(({ id }) => pathname === `/repos/acme/credit/issues/comments/${id}`)
  if (method !== 'PATCH' || found === undefined) return [404, { message: 'Not Found' }]
  found.body = body
  return [200, found]
}
