import type { ImageProvenance } from '../../../images/image.ts'
import type { UntimedJobEvent } from '../../../runner/job/job-event.ts'
import type { MachineFacts } from '../../../runner/machine/machine.ts'

type Timed = UntimedJobEvent & { at: number }

const facts: MachineFacts = {
  ...{ image: 'debian-12', imageDigest: 'sha256:00', accel: 'kvm', accelReason: 'proven', strategy: 'cold' },
  ...{ cpus: 2, memory: 2 ** 30, disk: 2 ** 33, network: 'web', pid: 7, sshPort: 2222 },
  ...{ keyFingerprint: 'SHA256:x', customUserData: false, gates: [] },
}

const image: ImageProvenance = {
  ...{ name: 'debian-12', digest: `sha256:${'12'.repeat(32)}`, created: '2026-01-02T03:04:05.000Z' },
  source: { kind: 'url', url: 'https://images.invalid/<disk>.qcow2', checksum: 'sha512:00' },
  packages: undefined,
}

/** What a job's timeline holds that boots from cold, builds, tests, and whose kernel panics at its end. */
export function aTimeline({ samples = 120 }: { samples?: number } = {}): string {
  const end = 60_000
  const events: Timed[] = [
    { type: 'phase-started', phase: 'image', at: 0 },
    { type: 'phase-ended', phase: 'image', ms: 400, at: 400 },
    { type: 'phase-started', phase: 'boot', at: 400 },
    { type: 'gate', name: 'qmp', ms: 100, at: 500 },
    finding('kernel-started', 'the kernel started', '[    0.000000] Linux version 6.1', 1_500),
    { type: 'gate', name: 'banner', ms: 9_000, at: 9_500 },
    { type: 'image', image, at: 450 },
    { type: 'machine', facts, at: 10_000 },
    { type: 'phase-ended', phase: 'boot', ms: 9_600, at: 10_000 },
    { type: 'phase-started', phase: 'upload', at: 10_000 },
    { type: 'phase-ended', phase: 'upload', ms: 1_000, at: 11_000 },
    { type: 'phase-started', phase: 'steps', at: 11_000 },
    { type: 'step-started', index: 0, name: 'build <all>', offset: 10, at: 11_000 },
    stepEnded(0, 'build <all>', 'passed', 31_000),
    { type: 'step-started', index: 1, name: 'test', offset: 400, at: 31_100 },
    finding('guest-panic', "the guest's kernel panicked", 'Kernel panic - not syncing: <b>x</b>', 58_000),
    stepEnded(1, 'test', 'errored', 59_000),
    { type: 'step-skipped', index: 2, name: 'pack', at: 59_000 },
    { type: 'phase-ended', phase: 'steps', ms: 48_000, at: 59_000 },
    {
      ...{ type: 'verdict', verdict: 'errored', failure: 'guest-panic', at: end },
      ...{ reason: 'in step "test", the guest panicked', hint: 'read the console' },
      evidence: ['sysrq: Trigger a crash', 'Kernel panic - not syncing: <b>x</b>'],
    },
  ]
  for (let index = 0; index < samples; index++) {
    const at = 500 + (index * (end - 1_000)) / samples
    const busy = at > 11_000 && at < 31_000
    const step = busy ? 0 : at > 31_100 ? 1 : undefined
    events.push({
      ...{ type: 'sample', step, at, cpuMs: Math.min(at, 31_000) * 1.5, memory: 2e8 + at * 9_000 },
      ...{ diskRead: at * 90, diskWritten: at * at * 3, netSent: at, netReceived: at * 50 },
    })
  }
  events.sort((one, other) => one.at - other.at)
  return events.map((event) => `${JSON.stringify(event)}\n`).join('')
}

function finding(kind: 'kernel-started' | 'guest-panic', sentence: string, line: string, at: number): Timed {
  return { type: 'finding', kind, sentence, line, at }
}

function stepEnded(index: number, name: string, status: 'passed' | 'errored', at: number): Timed {
  const exitCode = status === 'passed' ? 0 : undefined
  return { type: 'step-ended', index, name, status, exitCode, ms: 20_000, offset: 300, at }
}
