import { expect, it } from 'vitest'
import { createMilestoneWatch, type Milestone } from '../../../runner/logs/console-milestones.ts'

it('a boot is followed from its kernel to its login, each milestone once, byte by byte', () => {
  const console = [
    'SeaBIOS (version 1.16)\r\n',
    '[    0.000000] Linux version 6.1.0-18-amd64 (gcc-12)\r\n',
    '[    2.100000] Run /init as init process\r\n',
    '[    3.500000] systemd[1]: systemd 252.22 running in system mode (+PAM)\r\n',
    'debian login: ',
    '\r\nLinux version 5\r\ndebian login: ',
  ].join('')
  const found: Milestone[] = []
  const push = createMilestoneWatch((milestone) => found.push(milestone))
  for (const byte of Buffer.from(console)) push(Buffer.from([byte]))
  expect(found.map(({ kind }) => kind)).toEqual(['kernel-started', 'init-started', 'login-offered'])
  expect(found[0]).toMatchObject({ sentence: 'the kernel started' })
})

it('what is not at its place is no milestone', () => {
  const found: Milestone[] = []
  const push = createMilestoneWatch((milestone) => found.push(milestone))
  push(Buffer.from('a Linux version of it\nlast login: today\nhost login: root\nRun init\n'))
  expect(found).toEqual([])
})
