// SPDX-License-Identifier: Apache-2.0
// Text from evidence, files and commands is hostile: here it becomes harmless for the runner's log and for Markdown.
import * as core from '@actions/core'

const HIDDEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\p{Zl}\p{Zp}]/gu
/** The runner's older form of a command; it counts anywhere in a line. */
const OLD_COMMAND = /##\[/g

/** True where a text has characters that cannot be seen: control, format and direction characters, line breaks. */
export function hidden(text: string): boolean {
  return text.search(HIDDEN) !== -1
}

/** A text on one line: hidden characters as escapes, no runner command in it, cut at `limit` characters. */
export function shown(text: unknown, limit = 2000): string {
  const whole = String(text)
  const line = whole
    .slice(0, limit)
    .replace(HIDDEN, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
    .replace(OLD_COMMAND, '## [')
  return whole.length > limit ? `${line}…` : line
}

/** Writes what a command said to the log. No line of it begins a line of the log, so none is a runner command. */
export function logOutput(name: string, output: string, lines = 50): void {
  const said = output.split(/\r\n|\r|\n/).filter((line) => line.trim() !== '')
  for (const line of said.slice(-lines)) core.info(`${name} | ${shown(line)}`)
}

/** Markdown without control characters, and cut between lines to at most `limit` bytes of UTF-8, with a note. */
export function fitted(markdown: string, limit: number, note: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
  const clean = markdown.replace(/\r\n?/g, '\n').replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '\ufffd')
  if (Buffer.byteLength(clean) <= limit) return clean
  const room = limit - Buffer.byteLength(note) - 200
  const kept: string[] = []
  let size = 0
  for (const line of clean.split('\n')) {
    size += Buffer.byteLength(line) + 1
    if (size > room) break
    kept.push(line)
  }
  const text = kept.join('\n')
  const open = Math.max(0, count(text, '<details') - count(text, '</details>'))
  // Twelve closing tags fit into the room that was left.
  return `${text}\n${'\n</details>'.repeat(Math.min(open, 12))}\n\n${note}\n`
}

function count(text: string, part: string): number {
  return text.split(part).length - 1
}
