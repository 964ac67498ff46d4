// SPDX-License-Identifier: Apache-2.0
// A command that does not end, and a step that is stopped: the built action ends what it started, and fails.
import type { ChildProcess } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { report } from './support/documents.js'
import { judge, noPass } from './support/gate.js'
import { newRunner } from './support/runner.js'

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 20_000
  while (!condition()) {
    if (Date.now() > end) throw new Error('it did not happen in time')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function running(pid: number): boolean {
  try {
    // A process that has ended stays in the table until its parent asks.
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
  } catch {
    return false
  }
}

describe.skipIf(!existsSync('/proc/self/stat'))('a command that does not end', () => {
  it('is ended with its children when its time is up', async () => {
    const runner = newRunner()
    const hang = path.join(runner.directory, 'pids')
    const run = await judge({ report: report(), hang }, { 'timeout-seconds': '1' }, {}, runner)
    expect(noPass(run)).toBe(true)
    expect(run.errors).toEqual(['The command did not end within 1 seconds'])
    const pids = readFileSync(hang, 'utf8').split(' ').map(Number)
    await until(() => !pids.some(running))
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('is ended with its children when the step gets %s', async (signal) => {
    const runner = newRunner()
    const hang = path.join(runner.directory, 'pids')
    const stopped = judge(
      { report: report(), hang },
      {},
      { started: (child) => void until(() => existsSync(hang)).then(() => child.kill(signal)) },
      runner,
    )
    const run = await stopped
    expect(noPass(run)).toBe(true)
    expect(run.errors).toEqual(['The run was cancelled'])
    const pids = readFileSync(hang, 'utf8').split(' ').map(Number)
    await until(() => !pids.some(running))
  })
  it('while Qaqpa is being installed leaves no answer', async () => {
    const runner = newRunner()
    const python = path.join(runner.directory, 'python')
    writeFileSync(python, `#!/bin/sh\necho here > '${runner.directory}/started'\nexec sleep 20\n`, { mode: 0o755 })
    const started = (child: ChildProcess) =>
      void until(() => existsSync(path.join(runner.directory, 'started'))).then(() => child.kill('SIGTERM'))
    const run = await runner.run({ target: 'governance', python }, { started })
    expect(noPass(run)).toBe(true)
    expect(run.errors).toEqual(['The step was stopped by SIGTERM'])
  })
})
