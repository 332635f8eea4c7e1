import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Stoppable, stopLadder } from '../../../runner/machine/stop-ladder.ts'

const times = { powerdown: 200, term: 200 }

/** A real process that leaves when its standard input says `power`, and does with TERM what `trap` says. */
async function processWith({ trap, obeysPower }: { trap: string; obeysPower: boolean }) {
  const script = `${trap}; echo ready; while read -r line; do [ "$line" = power ] && ${obeysPower ? 'exit 0' : ':'}; done`
  const child = spawn('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'ignore'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  const pressed: string[] = []
  const machine: Stoppable = {
    exited: once(child, 'exit'),
    powerdown: async () => {
      pressed.push('powerdown')
      child.stdin.write('power\n')
    },
    kill: (signal) => {
      pressed.push(signal)
      child.kill(signal)
    },
  }
  return { machine, pressed, child }
}

const ignoresTerm = "trap '' TERM"
const obeysTerm = 'trap "exit 0" TERM'

describe('the stop ladder (AC6)', () => {
  it('presses the power button, and that is enough for a guest that listens', async () => {
    const { machine, pressed } = await processWith({ trap: obeysTerm, obeysPower: true })
    expect(await stopLadder({ machine, times, how: 'graceful' })).toMatchObject({ rung: 'powerdown' })
    expect(pressed).toEqual(['powerdown'])
  })

  it('goes on to TERM when the guest ignores the button', async () => {
    const { machine, pressed } = await processWith({ trap: ':', obeysPower: false })
    const { rung, ms } = await stopLadder({ machine, times, how: 'graceful' })
    expect(rung).toBe('term')
    expect(pressed).toEqual(['powerdown', 'SIGTERM'])
    expect(ms).toBeGreaterThanOrEqual(times.powerdown - 5)
  })

  it('goes on to KILL when that is ignored, too, within the sum of the times', async () => {
    const { machine, pressed, child } = await processWith({ trap: ignoresTerm, obeysPower: false })
    const { rung, ms } = await stopLadder({ machine, times, how: 'graceful' })
    expect(rung).toBe('kill')
    expect(pressed).toEqual(['powerdown', 'SIGTERM', 'SIGKILL'])
    expect(child.signalCode).toBe('SIGKILL')
    expect(ms).toBeGreaterThanOrEqual(times.powerdown + times.term - 10)
    expect(ms).toBeLessThan(times.powerdown + times.term + 2000)
  })

  it('goes straight to KILL where the disk is thrown away anyway', async () => {
    const { machine, pressed } = await processWith({ trap: ignoresTerm, obeysPower: true })
    expect(await stopLadder({ machine, times, how: 'now' })).toMatchObject({ rung: 'kill' })
    expect(pressed).toEqual(['SIGKILL'])
  })

  it('has nothing to do for a machine that is gone', async () => {
    const { machine, pressed, child } = await processWith({ trap: obeysTerm, obeysPower: true })
    child.kill('SIGKILL')
    await machine.exited
    for (const how of ['graceful', 'now'] as const) {
      expect(await stopLadder({ machine, times, how })).toMatchObject({ rung: 'already-gone' })
    }
    expect(pressed).toEqual([])
  })

  it.each<[string, () => Promise<unknown>]>([
    ['is refused', () => Promise.reject(new Error('the monitor is gone'))],
    ['is never answered', () => new Promise(() => undefined)],
  ])('does not hang on a power button that %s', async (_, powerdown) => {
    const { machine } = await processWith({ trap: ':', obeysPower: false })
    const report = await stopLadder({ machine: { ...machine, powerdown }, times, how: 'graceful' })
    expect(report.rung).toBe('term')
    expect(report.ms).toBeLessThan(times.powerdown + 2000)
  })
})
