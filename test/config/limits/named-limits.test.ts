import { expect, it } from 'vitest'
import { hostJsonSchema } from '../../../config/generate/json-schema.ts'
import { limitsReference } from '../../../config/generate/limits-reference.ts'
import { limitNamed, namedLimits } from '../../../config/limits/named-limits.ts'

const schema = hostJsonSchema()

it('every key under `limits` of the host file has a name, and what comes of it', () => {
  const keys = Object.keys(schema.$defs?.limits?.properties ?? {})
  expect(keys.length).toBeGreaterThan(10)
  for (const key of keys) expect(Object.keys(namedLimits)).toContain(`limits.${key}`)
})

it('so has every limit of a repository', () => {
  for (const key of Object.keys(schema.$defs?.['repository-limits']?.properties ?? {}))
    expect(Object.keys(namedLimits)).toContain(`repositories.limits.${key}`)
})

it('the page of limits has a line for each, with the default that the schema has', () => {
  const page = limitsReference()
  for (const name of Object.keys(namedLimits)) expect(page).toContain(`| \`${name}\` |`)
  expect(page).toContain('| `limits.log_bytes` | `256MiB` |')
  expect(page).toContain('| `repositories.limits.matrix` | `100` |')
  expect(page).toContain('| `debug.parked.quota` | `20GiB` |')
  expect(page).toContain('| `limits.archive_bytes` | none |')
})

it('finds the limit that a message or its hint names, and none where there is none', () => {
  expect(limitNamed('no', 'raise limits.steps in the host file')).toBe('limits.steps')
  expect(limitNamed('raised: repositories.limits.matrix')).toBe('repositories.limits.matrix')
  expect(limitNamed(undefined, 'a test failed')).toBeUndefined()
})
