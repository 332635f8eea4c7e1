import { describe, expect, it } from 'vitest'
import { refuseLabels } from '../../../orchestrator/builds/refuse-labels.ts'
import { aTrigger, buildWorld } from './build-world.ts'

const known = [
  ['gpu', 'x86_64'],
  ['kvm', 'x86_64'],
]

describe('refuseLabels', () => {
  it('refuses nothing that one host has, nor anything while no host is known', () => {
    expect(refuseLabels({ runsOn: ['kvm', 'x86_64'], known })).toBeUndefined()
    expect(refuseLabels({ runsOn: [], known })).toBeUndefined()
    expect(refuseLabels({ runsOn: ['anything'], known: [] })).toBeUndefined()
  })

  it('names the label that no host ever had, and the one that was meant', () => {
    expect(refuseLabels({ runsOn: ['gpuu', 'kvm'], known })).toEqual({
      reason: 'expected labels that a host has (gpu, kvm, x86_64), got gpuu',
      hint: 'did you mean gpu? Labels are given under `labels` in the host file of a host',
    })
  })

  it('says that no single host has all of them', () => {
    expect(refuseLabels({ runsOn: ['gpu', 'kvm'], known })?.reason).toBe(
      'expected `runs_on` that one host meets, got gpu, kvm, which no host has all of',
    )
  })
})

const host = (id: string, labels: string[], cpus = 8) => ({ id, cpus, memory: 2 ** 34, labels })

describe('a build whose jobs ask for labels', () => {
  it('has its jobs planned, refused and sized by the hosts that have them', async () => {
    const file = `jobs:
  fits: { runs_on: "\${matrix.what}", matrix: { what: [gpu, none] }, steps: [x] }
  large: { runs_on: gpu, resources: { cpus: 8 }, steps: [x] }
  plain: { resources: { cpus: 8 }, steps: [x] }`
    const world = await buildWorld({ file, capacities: [host('a', ['gpu', 'kvm'], 2), host('b', [])] })
    const { build } = await world.builds.create({ repository: world.repository, trigger: aTrigger() })
    expect(await world.jobs(build)).toMatchObject({
      'fits-gpu': { state: 'queued', runsOn: ['gpu'] },
      'fits-none': { state: 'errored', failure: 'config', reason: expect.stringContaining('got none') },
      large: { state: 'errored', reason: expect.stringContaining('(a has 2 cpus and 16 GiB)') },
      plain: { state: 'queued' },
    })
    expect((await world.jobs(build)).plain).not.toHaveProperty('runsOn')
  })

  it('waits for a host that has been heard of and is away', async () => {
    const world = await buildWorld({
      file: 'runs_on: gpu\nresources: { cpus: 64 }\nsteps: [x]',
      capacities: [host('b', [])],
    })
    Object.assign(world.parts, { knownLabels: async () => [[], ['gpu']] })
    const { build } = await world.builds.create({ repository: world.repository, trigger: aTrigger() })
    expect(await world.states(build)).toEqual({ main: 'queued' })
  })
})
