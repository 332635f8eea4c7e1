import { expect, it } from 'vitest'
import { checkCgroup, checkUser } from '../../../../orchestrator/command/doctor/check-confinement.ts'

it('says where the control groups of machines lie, or why there are none', async () => {
  const can = { can: true, parent: '/sys/fs/cgroup/mayfly', controllers: 'cpu, memory, pids' } as const
  expect(await checkCgroup(can)).toMatchObject({
    state: 'good',
    found: 'a control group for each machine in /sys/fs/cgroup/mayfly (cpu, memory, pids)',
  })
  expect(await checkCgroup({ can: false, reason: 'no cgroup v2 is mounted' })).toMatchObject({
    state: 'weak',
    found: 'no control group for each machine: no cgroup v2 is mounted',
  })
})

it('warns of a QEMU that is root, and says how it gets a user', () => {
  expect(checkUser(0, undefined, undefined)).toMatchObject({
    state: 'weak',
    mend: expect.stringContaining('useradd --system'),
  })
  const user = { uid: 990, gid: 990 }
  expect(checkUser(0, user, undefined)).toMatchObject({
    state: 'weak',
    found: expect.stringContaining('mayfly-qemu, user 990, which all machines share'),
    mend: expect.stringContaining('--add-subuids'),
  })
  expect(checkUser(0, user, { uid: 300_000, gid: 400_000, count: 100 })).toMatchObject({
    state: 'good',
    found: 'one of its own for each machine, of 300000 to 300099',
  })
  expect(checkUser(1000, undefined, undefined)).toMatchObject({
    state: 'good',
    found: 'user 1000, as Mayfly',
  })
})
