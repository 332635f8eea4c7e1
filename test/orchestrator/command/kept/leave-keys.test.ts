import { describe, expect, it } from 'vitest'
import { createLeaveKeys } from '../../../../orchestrator/command/kept/leave-keys.ts'

/** What the machine gets of chunks that are typed, with `!` where they leave it. */
function typed(...chunks: string[]): string {
  const keys = createLeaveKeys()
  return chunks
    .map((chunk) => keys.push(Buffer.from(chunk)))
    .map(({ bytes, leaves }) => `${bytes}${leaves ? '!' : ''}`)
    .join('|')
}

describe('the keys that leave a machine', () => {
  it('are ~ and . at the beginning of a line', () => {
    expect(typed('~.')).toBe('!')
    expect(typed('ls\r', '~', '.')).toBe('ls\r||!')
  })

  it('are what they are anywhere else', () => {
    expect(typed('cd ~.')).toBe('cd ~.')
    expect(typed('x~', '.')).toBe('x~|.')
  })

  it('give a tilde where it was one, once', () => {
    expect(typed('~/bin\r')).toBe('~/bin\r')
    expect(typed('~~.')).toBe('~.')
    expect(typed('~', '\r~.')).toBe('|~\r!')
  })
})
