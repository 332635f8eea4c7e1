import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createBootBudget, judge } from '../../../runner/machine/boot-budget.ts'
import { createFakeConsole } from '../../fake-console.ts'

const minute = 60_000
const limits = { cpuTime: 10 * minute, quiet: 3 * minute }

describe('judge', () => {
  it.each([
    ['has just spoken', { cpu: minute, sinceHeard: 0, silence: 0 }],
    [
      'computes in silence, but not for long',
      { cpu: 4 * minute, sinceHeard: 2 * minute, silence: 2.9 * minute },
    ],
    [
      'gets a tenth of a processor on a loaded host',
      { cpu: minute, sinceHeard: 0.5 * minute, silence: 5 * minute },
    ],
  ])('waits for a guest that %s', (_, seen) => {
    expect(judge({ ...seen, ...limits })).toBeUndefined()
  })

  it.each([
    [
      'used its budget, though it speaks',
      { cpu: 11 * minute, sinceHeard: 0, silence: 0 },
      /used 11 m 00 s of CPU time/,
    ],
    [
      'spins',
      { cpu: 4 * minute, sinceHeard: 3 * minute, silence: 3 * minute },
      /computing in silence for 3 m/,
    ],
    ['sleeps', { cpu: minute, sinceHeard: 0, silence: 3 * minute }, /idle and silent for 3 m/],
  ])('gives up a guest that %s', (_, seen, words) => {
    expect(judge({ ...seen, ...limits })).toMatch(words)
  })
})

describe('the budget of a boot', () => {
  function begin(script: string, budget: { cpuTime: number; quiet: number }) {
    const child = spawn('sh', ['-c', script], { stdio: 'ignore' })
    const console = createFakeConsole()
    const boot = createBootBudget({ pid: child.pid ?? 0, console, ...budget })
    onTestFinished(() => {
      boot.end()
      child.kill('SIGKILL')
    })
    return { boot, console }
  }

  it.each([
    ['that sleeps', 'exec sleep 60', { cpuTime: minute, quiet: 300 }, /idle and silent/],
    ['that spins', 'while :; do :; done', { cpuTime: minute, quiet: 100 }, /computing in silence/],
    ['that used up its time', 'while :; do :; done', { cpuTime: 50, quiet: minute }, /of CPU time/],
  ])('is over for a process %s', async (_, script, budget, words) => {
    const { boot } = begin(script, budget)
    if (!boot.signal.aborted) await once(boot.signal, 'abort')
    expect(String(boot.signal.reason)).toMatch(words)
  })

  it('is not over while the console speaks', async () => {
    const { boot, console } = begin('exec sleep 60', { cpuTime: minute, quiet: 600 })
    for (let line = 0; line < 6; line++) {
      await sleep(200)
      console.say('.')
    }
    expect(boot.signal.aborted).toBe(false)
  })

  it('is not over once the boot has ended', async () => {
    const { boot } = begin('exec sleep 60', { cpuTime: minute, quiet: 100 })
    boot.end()
    await sleep(700)
    expect(boot.signal.aborted).toBe(false)
  })
})
