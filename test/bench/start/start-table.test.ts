import { expect, it } from 'vitest'
import { aResult } from './a-result.ts'
import { startTable } from './start-table.ts'

it('the table of a run has a line for each figure', () => {
  const lines = startTable(aResult.rows).split('\n')
  expect(lines[0]).toMatch(/^START +AT ONCE +FIGURE +MEDIAN +RANGE +N$/)
  expect(lines[2]).toMatch(/^cold +1 +first_byte +10\.0 s +9\.50-10\.5 +2$/)
  expect(lines[3]).toMatch(/^cold +1 +private +305 MiB +300-310 +2$/)
  expect(lines).toHaveLength(aResult.rows.length + 2)
})
