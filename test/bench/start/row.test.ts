import { describe, expect, it } from 'vitest'
import { rowsOf } from './row.ts'

describe('the rows of a run', () => {
  it('hold median and range of each figure, times in seconds and memory in MiB', () => {
    const samples = [3, 1, 2].map((first_byte) => ({
      what: 'template' as const,
      atOnce: 1,
      figures: { first_byte, private: first_byte * 2 ** 20 },
    }))
    const shared = { what: 'template', at_once: 1, median: 2, min: 1, max: 3, n: 3 }
    expect(rowsOf(samples)).toEqual([
      { ...shared, figure: 'first_byte', unit: 's' },
      { ...shared, figure: 'private', unit: 'MiB' },
    ])
  })

  it('take the middle between the two in the middle', () => {
    const samples = [4, 1, 2, 9].map((first_byte) => ({
      what: 'cold' as const,
      atOnce: 2,
      figures: { first_byte },
    }))
    expect(rowsOf(samples)).toMatchObject([{ at_once: 2, median: 3, min: 1, max: 9 }])
  })

  it('come in the same order, whoever was first', () => {
    const sample = (what: 'cold' | 'packer', atOnce: number) => ({ what, atOnce, figures: { first_byte: 1 } })
    const rows = rowsOf([sample('packer', 1), sample('cold', 8), sample('cold', 1)])
    expect(rows.map(({ what, at_once }) => `${what} ${at_once}`)).toEqual(['cold 1', 'cold 8', 'packer 1'])
  })

  it('are none without samples', () => {
    expect(rowsOf([])).toEqual([])
  })
})
