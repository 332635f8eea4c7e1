import { expect, it } from 'vitest'
import { describeConfinement } from '../../../runner/confinement/describe-confinement.ts'
import { withCgroup } from '../../../runner/confinement/with-cgroup.ts'

it('gives a machine whole numbers: its bytes, one processor more than its guest has, and threads enough', () => {
  const command = withCgroup({ name: 'm-1', memory: 1000.5, cpus: 2 }, ['qemu', '-smp', '2'])
  expect(command.slice(3)).toEqual(['cgroup', 'm-1', '1001', '300', '130', 'qemu', '-smp', '2'])
})

it('says in one line what holds QEMU, and why what does not', () => {
  const cgroup = { can: true, parent: '/sys/fs/cgroup/mayfly', controllers: 'cpu, io, memory, pids' } as const
  expect(describeConfinement({ user: 'runs as user 1000', cgroup, hasOwnNetwork: true })).toBe(
    'system call filter, no new privileges; runs as user 1000; own cgroup (cpu, io, memory, pids); own network',
  )
  const none = { can: false, reason: 'no cgroup v2 is mounted' } as const
  expect(describeConfinement({ user: 'runs as root', cgroup: none, hasOwnNetwork: false })).toBe(
    'system call filter, no new privileges; runs as root; no cgroup of its own (no cgroup v2 is mounted)',
  )
})
