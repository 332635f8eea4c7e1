import { describe, expect, it } from 'vitest'
import { liveJob } from './live-job.ts'

const GiB = 2 ** 30

describe('the machine of a job', () => {
  it.each([
    [
      'the job’s word',
      'resources: { cpus: 8, memory: 16GiB, disk: 100GiB }\n',
      { cpus: 8, memory: 16 * GiB },
    ],
    ['the image’s need where the job is silent', '', { cpus: 2, memory: 4 * GiB }],
    ['both where the job names one', 'resources: { cpus: 3 }\n', { cpus: 3, memory: 4 * GiB }],
  ])('has the size of %s (AC23)', async (_, resources, expected) => {
    const { start, record } = await liveJob({
      pipeline: `${resources}steps: [ make ]`,
      profile: { resources: { cpus: 2, memory: 4 * GiB } },
      host: { resources: { cpus: 1, memory: '1GiB', disk: '20GiB' } },
    })
    expect(start.orders[0]?.resources).toMatchObject(expected)
    expect(record.machine).toMatchObject(expected)
  })

  it('has what the host gives where neither job nor image says (AC23)', async () => {
    const { start } = await liveJob({
      pipeline: 'steps: [ make ]',
      host: { resources: { cpus: 5, memory: '3GiB', disk: '20GiB' } },
    })
    expect(start.orders[0]?.resources).toEqual({ cpus: 5, memory: 3 * GiB, disk: 20 * GiB })
  })

  it('is of the image, the network and the user-data that the job names', async () => {
    const { start, events } = await liveJob({
      pipeline: `
image: debian-12
network: none
user_data: |
  #cloud-config
  packages: [ git ]
steps: [ make ]
`,
    })
    const [order] = start.orders
    expect(order).toMatchObject({ id: 'b1-main', network: 'none' })
    expect(order?.image.name).toBe('debian-12')
    expect(order?.userData).toContain('packages: [ git ]')
    const machine = events.find((event) => event.type === 'machine')
    expect(machine).toMatchObject({ facts: { image: 'debian-12', network: 'none', customUserData: true } })
  })

  it('keeps on the record where its image came from, also where no machine came of it', async () => {
    const { record } = await liveJob({
      pipeline: 'steps: [ make ]',
      startMachine: () => Promise.reject(new Error('no')),
    })
    expect(record.verdict).toBe('errored')
    expect(record.image).toMatchObject({ name: 'debian-12-local', source: { kind: 'build' } })
  })

  it('is of the host’s default image where the job names none', async () => {
    const { start } = await liveJob({ pipeline: 'steps: [ make ]', host: { default_image: 'debian-13' } })
    expect(start.orders[0]?.image.name).toBe('debian-13')
  })

  it('works in the home of the image’s login user', async () => {
    const { machine } = await liveJob({ pipeline: 'steps: [ make ]', profile: { user: 'rocky' } })
    expect(machine?.preparation?.workdir).toBe('/home/rocky/work')
  })

  it('tells of each gate as it is passed, before it is said to be there', async () => {
    const { events } = await liveJob({ pipeline: 'steps: [ make ]' })
    const told = events.flatMap((event) =>
      event.type === 'gate' ? [event.name] : event.type === 'machine' ? ['machine'] : [],
    )
    expect(told).toEqual(['qmp', 'banner', 'auth', 'nonce', 'machine'])
  })
})
