// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { findPython } from '../src/python.js'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'python-'))
  vi.stubEnv('PATH', directory)
  vi.stubEnv('RUNNER_TOOL_CACHE', path.join(directory, 'cache'))
  // The tool cache tells of what it looks through.
  vi.spyOn(process.stdout, 'write').mockReturnValue(true)
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  rmSync(directory, { recursive: true })
})

function python(place: string, version: string): string {
  mkdirSync(path.dirname(place), { recursive: true })
  writeFileSync(place, `#!/bin/sh\necho ${version}\n`, { mode: 0o755 })
  return place
}

function cached(version: string, printed: string): string {
  const home = path.join(directory, 'cache', 'Python', version)
  const place = python(path.join(home, process.arch, 'bin', 'python3'), printed)
  writeFileSync(path.join(home, `${process.arch}.complete`), '')
  return place
}

describe('the Python to install with', () => {
  it('is the one on PATH where it fits', async () => {
    const first = python(path.join(directory, 'python3'), '3 12')
    cached('3.13.1', '3 13')
    expect(await findPython('')).toBe(first)
  })

  it('is the newest in the tool cache that fits, where the one on PATH is too old or too new', async () => {
    python(path.join(directory, 'python3'), '3 9')
    cached('3.11.9', '3 11')
    const newest = cached('3.13.1', '3 13')
    cached('3.14.0', '3 14')
    expect(await findPython('')).toBe(newest)
    python(path.join(directory, 'python3'), '3 14')
    expect(await findPython('')).toBe(newest)
  })

  it('is the version that is named, from PATH or from the tool cache', async () => {
    const there = cached('3.11.9', '3 11')
    cached('3.12.4', '3 12')
    expect(await findPython('3.11')).toBe(there)
    expect(await findPython('3.11.9')).toBe(there)
    const named = python(path.join(directory, 'python3.11'), '3 11')
    expect(await findPython('3.11')).toBe(named)
  })

  it('is the path or the command that is named', async () => {
    const place = python(path.join(directory, 'mine'), '3 10')
    expect(await findPython(place)).toBe(place)
    expect(await findPython('mine')).toBe(place)
  })

  it.each([
    ['is too old', '3 9'],
    ['is too new', '3 14'],
    ['is no Python', 'hello'],
    ['cannot start', '; exit 1'],
  ])('that %s is refused', async (_, version) => {
    const place = python(path.join(directory, 'mine'), version)
    await expect(findPython(place)).rejects.toThrow(/mine does not fit\. Qaqpa needs Python 3\.10 to 3\.13/)
  })

  it.each(['3.12.99', 'nowhere', './nowhere'])('%s that is not there is refused', async (wanted) => {
    await expect(findPython(wanted)).rejects.toThrow(/is not there\. Qaqpa needs/)
  })
})
