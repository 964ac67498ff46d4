// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { fitted, hidden, shown } from '../src/text.js'

describe('shown', () => {
  it('is one line without hidden characters', () => {
    expect(shown('a\r\nb\u2028c\u202ed\u0000e\u200bf\ud800')).toBe(
      'a\\u{d}\\u{a}b\\u{2028}c\\u{202e}d\\u{0}e\\u{200b}f\\u{d800}',
    )
    expect(shown('Қазақша, русский')).toBe('Қазақша, русский')
  })

  it('has no runner command of the older form', () => {
    expect(shown('x##[add-mask]y ###[z]')).not.toContain('##[')
  })

  it('is cut', () => {
    expect(shown('abcdef', 3)).toBe('abc…')
    expect(shown('abc', 3)).toBe('abc')
  })
})

describe('hidden', () => {
  it.each(['a\n', '\u200b', 'a\u202e', '\u0007'])('%j is hidden', (text) => expect(hidden(text)).toBe(true))
  it.each(['a b', 'models:/несие/7', 'қ'])('%j is not', (text) => expect(hidden(text)).toBe(false))
})

describe('fitted', () => {
  it('leaves what fits, without control characters', () => {
    expect(fitted('a\tb\r\nc\u001b', 100, 'cut')).toBe('a\tb\nc\ufffd')
  })

  it('keeps whole lines, closes what is open, and stays within the limit in bytes', () => {
    const text = fitted(`<details><summary>x</summary>\n${'ққққ\n'.repeat(200)}</details>\n`, 600, 'cut')
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(600)
    expect(text).toMatch(/^<details>.*\n(ққққ\n)+\n<\/details>\n\ncut\n$/)
  })

  it('stays within the limit where many are open, and where one line is too long', () => {
    expect(Buffer.byteLength(fitted('<details>\n'.repeat(500), 600, 'cut'))).toBeLessThanOrEqual(600)
    expect(fitted('x'.repeat(5000), 600, 'cut').trim()).toBe('cut')
  })
})
