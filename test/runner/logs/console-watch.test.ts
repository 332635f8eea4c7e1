import { describe, expect, it } from 'vitest'
import type { ConsoleFinding } from '../../../runner/logs/console-watch.ts'
import { createConsoleWatch } from '../../../runner/logs/console-watch.ts'

const examples: [string, string][] = [
  ['guest-panic', '[    1.2] Ker\rnel pan\ric - not syncing: Attempted to kill init!\r\n'],
  ['guest-panic', '\u001b[31mKernel panic - not syncing\u001b[0m: Fatal exception\r\n'],
  ['root-not-found', 'Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\n'],
  ['root-not-found', 'ALERT!  UUID=1234 does not exist.  Dropping to a shell!\n'],
  ['cpu-unsupported', 'Fatal glibc error: CPU does not support x86-64-v2\n'],
  ['guest-oom', '[  99.1] Out of memory: Killed process 812 (cc1plus) total-vm:900kB\n'],
  ['emergency-mode', 'You are in emergency mode. After logging in, type "journalctl -xb"\n'],
  ['emergency-mode', '(initramfs) '],
  ['no-bootable-disk', 'No bootable device.\r\n'],
  ['no-bootable-disk', 'BdsDxe: No bootable option or device was found.\n'],
  ['grub-rescue', 'grub rescue> '],
  ['seed-not-read', 'Cloud-init v. 23 finished. Datasource DataSourceNone.  Up 40 seconds\n'],
  ['ssh-not-started', '[FAILED] Failed to start ssh.service - OpenBSD Secure Shell server.\n'],
  ['disk-error', 'blk_update_request: I/O error, dev vda, sector 2048 op 0x0:(READ)\n'],
  ['task-hung', 'INFO: task kworker/0:1:17 blocked for more than 120 seconds.\n'],
  ['guest-stalled', 'watchdog: BUG: soft lockup - CPU#1 stuck for 23s!\n'],
]

describe('createConsoleWatch', () => {
  it.each(examples)('finds %s in %j', (kind, text) => {
    const findings = watch([Buffer.from(text)])
    expect(findings.map((finding) => finding.kind)).toEqual([kind])
    expect(findings[0]?.hint).not.toBe('')
  })

  it('finds a line that came byte by byte, once', () => {
    const text = Buffer.from('Kernel panic - not syncing: a\nKernel panic - not syncing: b\n')
    expect(watch([...text].map((byte) => Buffer.from([byte])))).toHaveLength(1)
  })

  it('AC45: finds a panic after bytes that are no UTF-8', () => {
    const text = Buffer.concat([
      Buffer.from([0xff, 0x00, 0xc3, 10]),
      Buffer.from('Kernel panic - not syncing: x\n'),
    ])
    expect(watch([text])[0]).toMatchObject({ kind: 'guest-panic', line: 'Kernel panic - not syncing: x' })
  })

  it('says nothing of an ordinary boot', () => {
    const boot =
      '[    0.0] Linux version 6.1\r\n[  OK  ] Started ssh.service\r\nvm login: panic button, out of memory card\r\n'
    expect(watch([Buffer.from(boot)])).toEqual([])
  })
})

function watch(chunks: Buffer[]): ConsoleFinding[] {
  const findings: ConsoleFinding[] = []
  const console = createConsoleWatch((finding) => findings.push(finding))
  for (const chunk of chunks) console.push(chunk)
  console.end()
  return findings
}
