// SPDX-License-Identifier: Apache-2.0
// Runs a command that can be stopped. `@actions/exec` gives no handle on what it started: a command that hangs, or that
// is still running when the step is cancelled, would stay behind.
import { type ChildProcess, spawn } from 'node:child_process'
import { Failure } from './failure.js'

const KEPT_CHARACTERS = 65_536
const GRACE_MS = 2_000

/** How a command ended. `output` is the end of what it said, on standard output and standard error. */
export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  output: string
}

export interface Limits {
  cwd: string
  env: Record<string, string>
  timeoutMs: number
  cancelled: AbortSignal
}

/**
 * Runs a command without a shell and waits for its end, at most for the given time.
 * Nothing that it prints reaches the log from here.
 *
 * @throws Failure it cannot be started, takes too long, or the step is cancelled; then it and its children are ended.
 */
export async function supervise(command: readonly string[], args: readonly string[], limits: Limits): Promise<Ended> {
  const [program, ...first] = command
  if (program === undefined) throw new Failure('There is no command to run')
  if (limits.cancelled.aborted) throw new Failure('The run was cancelled')
  const child = spawn(program, [...first, ...args], {
    cwd: limits.cwd,
    env: limits.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a process group of its own, so that its children can be ended with it
  })
  let output = ''
  const keep = (chunk: string) => {
    output = (output + chunk).slice(-KEPT_CHARACTERS)
  }
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', keep)
  const deadline = AbortSignal.any([limits.cancelled, AbortSignal.timeout(limits.timeoutMs)])
  const stop = () => end(child)
  deadline.addEventListener('abort', stop)
  try {
    const { code, signal } = await closed(child)
    if (limits.cancelled.aborted) throw new Failure('The run was cancelled')
    if (deadline.aborted) throw new Failure(`The command did not end within ${limits.timeoutMs / 1000} seconds`)
    return { code, signal, output }
  } finally {
    deadline.removeEventListener('abort', stop)
    // Nothing that it started stays behind.
    kill(child, 'SIGKILL')
  }
}

function closed(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new Failure(`The command cannot be run: ${error.message}`)))
    // `close` waits for the pipes, which a child that was left behind can hold open.
    child.once('exit', (code, signal) => {
      const late = setTimeout(() => {
        child.stdout?.destroy()
        child.stderr?.destroy()
      }, GRACE_MS)
      child.once('close', () => {
        clearTimeout(late)
        resolve({ code, signal })
      })
    })
  })
}

function end(child: ChildProcess): void {
  kill(child, 'SIGTERM')
  setTimeout(() => kill(child, 'SIGKILL'), GRACE_MS).unref()
}

function kill(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // The group has ended.
  }
}
