import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { createHumanView } from '../../../../orchestrator/command/view/human-view.ts'
import type { JobEvent } from '../../../../runner/job/job-event.ts'

/** What a person reads of these events where there is no terminal. */
function shown(...events: JobEvent[]): string {
  const out = new PassThrough()
  const view = createHumanView({ out: out as unknown as NodeJS.WriteStream, live: false, console: false })
  for (const event of events) view.event(event)
  return String(out.read() ?? '')
}

const verdict: JobEvent = {
  ...{ type: 'verdict', at: 8_170, verdict: 'errored', failure: 'guest-panic' },
  ...{ reason: 'in step "test", the guest\'s kernel panicked', hint: 'read the console' },
  evidence: ['[ 1.0] sysrq: Trigger a crash', '[ 1.1] Kernel panic\u202e\u001b]0;title\u0007 - not syncing'],
}

it('a verdict is one sentence, the lines that show it, made harmless, and the next thing to try', () => {
  expect(shown(verdict)).toBe(
    [
      '✘ errored in 8.17 s: in step "test", the guest\'s kernel panicked',
      '  | [ 1.0] sysrq: Trigger a crash',
      '  | [ 1.1] Kernel panic - not syncing',
      '  hint: read the console',
      '',
    ].join('\n'),
  )
})

it('what went over the network is said after the verdict, by the last sample', () => {
  const use = { cpuMs: 1, memory: 2, diskRead: 3, diskWritten: 4 }
  const sample = { ...{ type: 'sample' as const, at: 1, step: undefined }, ...use }
  expect(
    shown(
      { ...sample, netSent: 10, netReceived: 20 },
      { ...sample, netSent: 2048, netReceived: 3 * 2 ** 20 },
      { ...verdict, evidence: [], hint: undefined },
    ).split('\n'),
  ).toContain('  network: 2 KiB sent, 3 MiB received')
})

it('samples and what the console said are for the timeline, not for the terminal', () => {
  const use = { cpuMs: 1, memory: 2, diskRead: 3, diskWritten: 4, netSent: undefined, netReceived: undefined }
  expect(
    shown(
      { type: 'sample', at: 1, step: undefined, ...use },
      {
        type: 'finding',
        at: 2,
        kind: 'guest-oom',
        sentence: 'the guest ran out of memory',
        line: 'Out of memory',
      },
    ),
  ).toBe('')
})
