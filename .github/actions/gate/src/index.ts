// SPDX-License-Identifier: Apache-2.0
// Where the runner starts. The step has failed from the first moment on, until the answer is known to be that the model
// may pass: an end that nobody foresaw is no pass.
import * as core from '@actions/core'
import { run } from './main.js'
import { shown } from './text.js'

/** How long a stopped step may take to end the command; the runner waits 7.5 seconds. */
const PATIENCE_MS = 5_000

process.exitCode = core.ExitCode.Failure

const cancellation = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    cancellation.abort()
    setTimeout(() => fail(`The step was stopped by ${signal}`), PATIENCE_MS).unref()
  })
}
process.on('uncaughtException', (error) => fail(`The action failed: ${error}`))
process.on('unhandledRejection', (reason) => fail(`The action failed: ${reason}`))

const passed = await run(cancellation.signal)
// Explicitly, because something that was left open must not keep the step running.
process.exit(passed && !cancellation.signal.aborted ? core.ExitCode.Success : core.ExitCode.Failure)

function fail(message: string): never {
  core.setFailed(shown(message))
  process.exit(core.ExitCode.Failure)
}
