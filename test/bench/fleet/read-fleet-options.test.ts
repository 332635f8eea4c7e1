import { describe, expect, it } from 'vitest'
import { readFleetOptions } from './read-fleet-options.ts'

describe('readFleetOptions', () => {
  it('gives the fleet of the documentation where nothing is said', () => {
    expect(readFleetOptions([])).toEqual({
      ...{ hosts: 200, jobs: 20_000, killPercent: 10, freezePercent: 5, seed: 1 },
      ...{ json: undefined, profile: undefined },
    })
  })

  it('takes what is said', () => {
    const args = '--hosts 20 --jobs 400 --kill 25 --freeze 0 --seed 7 --json out.json --profile prof'
    expect(readFleetOptions(args.split(' '))).toEqual({
      ...{ hosts: 20, jobs: 400, killPercent: 25, freezePercent: 0, seed: 7 },
      ...{ json: 'out.json', profile: 'prof' },
    })
  })

  it.each([
    ['--hosts 1', 'expected --hosts with a whole number from 2 to 1000, got 1'],
    ['--jobs many', 'expected --jobs with a whole number from 100 to 1000000, got many'],
    ['--kill 51', 'expected --kill with a whole number from 0 to 50, got 51'],
    ['--worlds 2', "Unknown option '--worlds'"],
  ])('says what was expected instead of %s', (args, message) => {
    expect(() => readFleetOptions(args.split(' '))).toThrow(message)
  })
})
