// SPDX-License-Identifier: Apache-2.0
// One comment on the pull request, written once and then updated in place.
import { createHash } from 'node:crypto'
import * as core from '@actions/core'
import * as github from '@actions/github'
import { fitted } from './text.js'

const MAX_BYTES = 65_536 - 1024
const TIMEOUT_MS = 30_000

type Octokit = ReturnType<typeof github.getOctokit>

/** Where a comment can go: the number of the pull request, or why there is no place for one. */
export function placeForComment(): { number: number } | { none: string } {
  const request = github.context.payload.pull_request
  if (request === undefined) return { none: 'this run is not about a pull request' }
  const { owner, repo } = github.context.repo
  if (request['head']?.repo?.full_name !== `${owner}/${repo}`) {
    return { none: 'the pull request comes from a fork, whose runs may not write' }
  }
  return { number: request.number }
}

/**
 * Writes the comment, or updates the one that an earlier run of the same gate wrote.
 *
 * @param gate what tells this gate from others on the same pull request
 */
export async function writeComment(number: number, markdown: string, gate: string, token: string): Promise<void> {
  const octokit = github.getOctokit(token, { request: { fetch: withDeadline } })
  const marker = `<!-- qaqpa-gate:${createHash('sha256').update(gate).digest('hex').slice(0, 32)} -->`
  const body = `${marker}\n${fitted(markdown, MAX_BYTES - marker.length, '_Cut here: the job summary has everything._')}`
  const own = await find(octokit, number, marker)
  const { owner, repo } = github.context.repo
  if (own === undefined) await octokit.rest.issues.createComment({ owner, repo, issue_number: number, body })
  else await octokit.rest.issues.updateComment({ owner, repo, comment_id: own, body })
  core.info(`The comment was ${own === undefined ? 'written' : 'updated'}`)
}

/** The marker alone proves nothing: anybody can write it into a comment of theirs. */
async function find(octokit: Octokit, number: number, marker: string): Promise<number | undefined> {
  const login = await whoami(octokit)
  const { owner, repo } = github.context.repo
  const pages = octokit.paginate.iterator(octokit.rest.issues.listComments, {
    owner,
    repo,
    issue_number: number,
    per_page: 100,
  })
  for await (const { data } of pages) {
    for (const { id, body, user } of data) {
      const ours = login === undefined ? user?.type === 'Bot' : user?.login === login
      if (ours && body?.startsWith(`${marker}\n`)) return id
    }
  }
  return undefined
}

/** The token's user; undefined for the token of a run or an app, which have none and write as a bot. */
async function whoami(octokit: Octokit): Promise<string | undefined> {
  try {
    return (await octokit.rest.users.getAuthenticated()).data.login
  } catch (error) {
    if ((error as { status?: number }).status === 403) return undefined
    throw error
  }
}

function withDeadline(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  return fetch(input, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) })
}
