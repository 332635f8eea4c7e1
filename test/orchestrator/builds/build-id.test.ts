import { isValid, ulid } from 'ulid'
import { describe, expect, it } from 'vitest'
import { buildId } from '../../../orchestrator/builds/build-id.ts'
import { aTrigger } from './build-world.ts'

const newId = () => 'new'
const delivery = ulid().toLowerCase()

describe('buildId', () => {
  it('is a new one where no delivery asks', () => {
    expect(buildId({ delivery: undefined, trigger: aTrigger(), newId })).toBe('new')
  })

  it('is the same ULID for the same delivery and commit, and sorts by the time of the delivery', () => {
    const id = buildId({ delivery, trigger: aTrigger(), newId })
    expect(buildId({ delivery, trigger: aTrigger({ title: 'x' }), newId })).toBe(id)
    expect(isValid(id.toUpperCase())).toBe(true)
    expect(id.slice(0, 10)).toBe(delivery.slice(0, 10))
  })

  it('is another one for another delivery, and for each thing that one delivery asks for', () => {
    const ids = [
      buildId({ delivery, trigger: aTrigger(), newId }),
      buildId({ delivery, trigger: aTrigger({ ref: 'refs/heads/other' }), newId }),
      buildId({ delivery, trigger: aTrigger({ sha: 'f'.repeat(40) }), newId }),
      buildId({ delivery: ulid().toLowerCase(), trigger: aTrigger(), newId }),
    ]
    expect(new Set(ids).size).toBe(4)
  })
})
