import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type Boot, output } from '../acceptance/boot.ts'
import { expectNothingLeft } from '../mayfly.ts'
import { dataOnSharedTemplates, startClone } from '../templates/clones.ts'

const stop = { powerdown: 3_000, term: 2_000, orphaned: 0, running: 'leave' } as const
/** milliseconds that the rungs may take together, with what a busy host adds */
const bound = stop.powerdown + stop.term + 20_000

async function expectGone({ paths }: Boot, data: string): Promise<void> {
  await expectNothingLeft({ data })
  expect(existsSync(paths.runFolder)).toBe(false)
}

describe('a machine that is to be stopped and does not listen', () => {
  it('is ended by TERM when the guest ignores its power button', async () => {
    const data = await dataOnSharedTemplates()
    const boot = await startClone({ data, host: { stop } })
    const machine = await boot.ready
    await output(machine, 'sudo systemctl mask --now --runtime systemd-logind.service poweroff.target')
    const { rung, ms } = await machine.destroy('graceful')
    expect(rung).toBe('term')
    expect(ms).toBeGreaterThanOrEqual(stop.powerdown)
    expect(ms).toBeLessThan(bound)
    expect(await machine.destroy()).toEqual({ rung, ms })
    await expectGone(boot, data)
  })

  it('is ended by KILL when QEMU itself stands still', async () => {
    const data = await dataOnSharedTemplates()
    const boot = await startClone({ data, host: { stop } })
    const machine = await boot.ready
    process.kill(machine.facts.pid ?? 0, 'SIGSTOP')
    const { rung, ms } = await machine.destroy('graceful')
    expect(rung).toBe('kill')
    expect(ms).toBeGreaterThanOrEqual(stop.powerdown + stop.term)
    expect(ms).toBeLessThan(bound)
    await expectGone(boot, data)
  })
})
