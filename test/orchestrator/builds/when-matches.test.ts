import { describe, expect, it } from 'vitest'
import type { When } from '../../../config/pipeline/pipeline.ts'
import { createGlobs } from '../../../orchestrator/builds/globs.ts'
import { whenMatches } from '../../../orchestrator/builds/when-matches.ts'
import { aTrigger } from './build-world.ts'

const none: When = { event: undefined, branch: undefined, tag: undefined, paths: undefined }

function look(when: Partial<When>, trigger = aTrigger(), changedFiles?: string[]) {
  const globs = createGlobs({ budget: 2000 })
  return whenMatches({ when: { ...none, ...when }, trigger, changedFiles, globs })
}

describe('whenMatches', () => {
  it('runs a job without conditions', () => {
    expect(look({})).toEqual({ runs: true, reason: 'it has no conditions' })
  })

  it('says which branch matches which glob, and which does not', () => {
    expect(look({ branch: ['main', 'x'] })).toEqual({ runs: true, reason: 'branch main matches main or x' })
    expect(look({ branch: ['release/*'] })).toEqual({
      runs: false,
      reason: 'branch main does not match release/*',
    })
  })

  it('asks for a tag only of a tag, and for a branch only of a branch', () => {
    const tag = aTrigger({ event: 'tag', branch: undefined, tag: 'v1.2' })
    expect(look({ tag: ['v*'] }, tag).runs).toBe(true)
    expect(look({ tag: ['v*'] })).toEqual({ runs: false, reason: 'there is no tag, and v* is asked for' })
    expect(look({ branch: ['main'] }, tag).reason).toBe('there is no branch, and main is asked for')
  })

  it('says what event is not among those asked for', () => {
    expect(look({ event: ['tag', 'schedule'] })).toEqual({
      runs: false,
      reason: 'event push is not tag or schedule',
    })
  })

  it('needs one changed file that matches', () => {
    expect(look({ paths: ['docs/**'] }, aTrigger(), ['src/a.ts', 'docs/b.md'])).toEqual({
      runs: true,
      reason: 'changed file docs/b.md matches docs/**',
    })
    expect(look({ paths: ['docs/**'] }, aTrigger(), ['a', 'b', 'c'])).toEqual({
      runs: false,
      reason: 'none of 3 changed files matches docs/**',
    })
    expect(look({ paths: ['docs/**'] }, aTrigger(), []).runs).toBe(false)
  })

  it('takes the rule for paths as met where the changed files are not known', () => {
    expect(look({ paths: ['docs/**'] })).toEqual({
      runs: true,
      reason: 'which files changed is not known, so the rule for paths is taken as met',
    })
  })

  it('needs all conditions that are given, and names those that are not met', () => {
    expect(look({ event: ['tag'], branch: ['main'], paths: ['x'] }, aTrigger(), ['y'])).toEqual({
      runs: false,
      reason: 'event push is not tag; the one changed file does not match x',
    })
  })
})
