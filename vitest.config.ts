import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/longest-first.ts'

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/{config,images,runner,orchestrator,bench,scripts}/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // What is printed is compared as text, and where CI is set colours are on even without a terminal.
          env: { NO_COLOR: '1' },
          // Most of them wait more than they compute.
          maxWorkers: 2,
        },
      },
      {
        // As many cases as are asked for, however long they take: who starts it bounds it.
        test: {
          name: 'fuzz',
          include: ['test/fuzz/**/*.test.ts'],
          testTimeout: 0,
          env: { NO_COLOR: '1' },
          maxWorkers: 2,
        },
      },
      {
        // Real machines: two at a time at most, for TCG on two cores is slow enough.
        test: {
          name: 'machine',
          include: ['test/machine/**/*.test.ts'],
          globalSetup: ['test/machine/global-setup.ts'],
          testTimeout: 900_000,
          hookTimeout: 900_000,
          maxWorkers: 2,
        },
      },
    ],
  },
})
