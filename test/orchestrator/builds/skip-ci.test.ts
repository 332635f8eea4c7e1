import { describe, expect, it } from 'vitest'
import { skipCi } from '../../../orchestrator/builds/skip-ci.ts'
import { aPullRequest, aTrigger } from './build-world.ts'

describe('skipCi', () => {
  it.each(['Fix [skip ci]', '[ci skip] fix', 'Fix [SKIP CI]'])('finds the mark in the title %s', (title) => {
    expect(skipCi({ trigger: aTrigger({ title }) })).toMatch(/^not run: \[.*\] is in the message$/i)
  })

  it('finds the mark in the body of the commit message, for pushes and pull requests', () => {
    const message = 'Fix\n\nOnly docs. [skip ci]\n'
    expect(skipCi({ trigger: aTrigger(), message })).toBeDefined()
    expect(skipCi({ trigger: aPullRequest(), message })).toBeDefined()
  })

  it('lets everything else run', () => {
    expect(skipCi({ trigger: aTrigger({ title: 'skip ci in [brackets]' }) })).toBeUndefined()
  })

  it.each(['tag', 'schedule', 'manual'] as const)('never skips what is asked for on purpose: %s', (event) => {
    expect(skipCi({ trigger: aTrigger({ event, title: '[skip ci]' }) })).toBeUndefined()
  })
})
