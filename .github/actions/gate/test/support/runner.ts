// SPDX-License-Identifier: Apache-2.0
// A stand-in for the runner: it starts the built action with the files and the environment that a runner gives.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { onTestFinished } from 'vitest'

export const ACTION = path.resolve(import.meta.dirname, '..', '..')
export const ROOT = path.resolve(ACTION, '..', '..', '..')

/** A workflow command in the log. */
export interface Command {
  name: string
  properties: Record<string, string>
  message: string
}

export interface Run {
  code: number | null
  log: string
  commands: Command[]
  /** Messages of `::error`, in order. */
  errors: string[]
  outputs: Record<string, string>
  summary: string
}

export interface Runner {
  directory: string
  workspace: string
  /** Runs the action with these inputs; what is not named has its default from action.yml. */
  run(
    inputs: Record<string, string>,
    more?: { env?: Record<string, string>; event?: object; started?: (child: ChildProcess) => void },
  ): Promise<Run>
}

/** A new runner with an empty workspace. It is removed after the test. */
export function newRunner(options: { workspace?: string; action?: string } = {}): Runner {
  const directory = realpathSync(mkdtempSync(path.join(tmpdir(), 'gate-')))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const workspace = options.workspace ?? path.join(directory, 'workspace')
  for (const each of [workspace, path.join(directory, 'temp'), path.join(directory, 'tools')])
    mkdirSync(each, { recursive: true })
  const action = options.action ?? ACTION
  return {
    directory,
    workspace,
    async run(inputs, more = {}) {
      const file = (name: string, text = '') => {
        const place = path.join(directory, name)
        writeFileSync(place, text)
        return place
      }
      const env: Record<string, string> = {
        PATH: process.env['PATH'] ?? '',
        HOME: directory,
        NODE_COMPILE_CACHE: path.join(ACTION, 'node_modules', '.compile-cache'),
        GITHUB_ACTIONS: 'true',
        GITHUB_WORKSPACE: workspace,
        GITHUB_WORKFLOW: 'Governance',
        GITHUB_JOB: 'gate',
        GITHUB_REPOSITORY: 'acme/credit',
        GITHUB_EVENT_NAME: 'pull_request',
        GITHUB_EVENT_PATH: file('event.json', JSON.stringify(more.event ?? {})),
        GITHUB_OUTPUT: file('output'),
        GITHUB_STEP_SUMMARY: file('summary'),
        GITHUB_ENV: file('env'),
        GITHUB_PATH: file('path'),
        GITHUB_STATE: file('state'),
        // Nothing here may reach the real one.
        GITHUB_API_URL: 'http://127.0.0.1:9',
        RUNNER_TEMP: path.join(directory, 'temp'),
        RUNNER_TOOL_CACHE: path.join(directory, 'tools'),
        ...more.env,
      }
      for (const [name, value] of Object.entries({ ...defaults(), ...inputs }))
        env[`INPUT_${name.toUpperCase()}`] = value
      const child = spawn(process.execPath, [path.join(action, 'dist', 'index.js')], { env, cwd: workspace })
      let log = ''
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (chunk: string) => (log += chunk))
      more.started?.(child)
      const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
      const commands = parseCommands(log)
      return {
        code,
        log,
        commands,
        errors: commands.filter(({ name }) => name === 'error').map(({ message }) => message),
        outputs: parseOutputs(readFileSync(path.join(directory, 'output'), 'utf8')),
        summary: readFileSync(path.join(directory, 'summary'), 'utf8'),
      }
    },
  }
}

/** The inputs with a default, as action.yml has them; the token's is a made-up one. */
export function defaults(): Record<string, string> {
  const found: Record<string, string> = {}
  let name = ''
  for (const line of readFileSync(path.join(ACTION, 'action.yml'), 'utf8').split('\n')) {
    if (line === 'outputs:') break
    name = /^ {2}([a-z-]+):$/.exec(line)?.[1] ?? name
    const value = /^ {4}default: (.*)$/.exec(line)?.[1]
    if (value !== undefined) found[name] = value.startsWith('${{') ? 'a-token' : value.replace(/^'(.*)'$/, '$1')
  }
  return found
}

/** Workflow commands as the runner finds them: at the start of a line behind blanks, or `##[` anywhere. */
function parseCommands(log: string): Command[] {
  return log.split(/\r\n|\r|\n/).flatMap((line) => {
    const old = /##\[([^\]]+)\](.*)/.exec(line)
    if (old !== null && !line.trimStart().startsWith('::'))
      return [{ name: old[1] ?? '', properties: {}, message: old[2] ?? '' }]
    const found = /^\s*::([A-Za-z-]+)(?: (.*?))?::(.*)$/s.exec(line)
    if (found === null) return []
    const properties = Object.fromEntries(
      (found[2] ?? '')
        .split(',')
        .filter(Boolean)
        .map((each) => each.split('=', 2) as [string, string]),
    )
    return [{ name: found[1] ?? '', properties, message: found[3] ?? '' }]
  })
}

function parseOutputs(text: string): Record<string, string> {
  const found = text.matchAll(/^(.+?)<<(ghadelimiter_.+)\n([\s\S]*?)\n\2$/gm)
  return Object.fromEntries([...found].map(([, name, , value]) => [name, value]))
}
