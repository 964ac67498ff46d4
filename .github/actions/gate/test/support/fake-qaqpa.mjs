#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Stands in for the command line, also for one that crashes, lies or hangs: it does what a plan in a file says.
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const plan = JSON.parse(readFileSync(process.env.FAKE_PLAN, 'utf8'))
const args = process.argv.slice(2)
writeFileSync(plan.called, JSON.stringify({ args, env: process.env, cwd: process.cwd() }))
for (const arg of args) {
  const [, format, file] = /^--format=(\w+)=(.*)$/.exec(arg) ?? []
  const text = format === undefined ? undefined : plan.files[format]
  if (text !== undefined) writeFileSync(file, text)
  const [, directory] = /^--verdict=(.*)$/.exec(arg) ?? []
  if (directory !== undefined && plan.verdict !== undefined) {
    mkdirSync(directory, { recursive: true })
    writeFileSync(path.join(directory, 'verdict.dsse.json'), plan.verdict)
  }
}
process.stdout.write(plan.stdout ?? '')
process.stderr.write(plan.stderr ?? '')
if (plan.hang) {
  // A child that does not end with its parent, nor when it is asked to, and holds the pipes open.
  const child = spawn('sh', ['-c', 'trap "" TERM; while :; do sleep 1; done'], { stdio: 'inherit' })
  writeFileSync(plan.hang, `${process.pid} ${child.pid}`)
  process.on('SIGTERM', () => {})
  setInterval(() => {}, 1000)
} else if (plan.signal) process.kill(process.pid, plan.signal)
else process.exitCode = plan.exit
