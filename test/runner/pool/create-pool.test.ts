import { describe, expect, it, onTestFinished } from 'vitest'
import type { ShelfImage } from '../../../images/image.ts'
import type { MachineOrder } from '../../../runner/job/job-order.ts'
import { createPool, type PoolOptions } from '../../../runner/pool/create-pool.ts'
import type { Room } from '../../../runner/pool/pool-room.ts'
import type { PoolWant } from '../../../runner/pool/pool-want.ts'
import { withPool } from '../../../runner/pool/with-pool.ts'
import { createFakeStart, type FakeStart } from '../../fake-start.ts'
import { until } from '../../orchestrator/until.ts'
import { shelfImage } from '../../shelf-image.ts'
import { aSetup } from '../checkpoint/a-setup.ts'

const image = shelfImage('a')
const resources = { cpus: 1, memory: 2, disk: 3 }
const want: PoolWant = { image: 'a', resources, network: 'web', min: 1, max: 1 }
const signal = new AbortController().signal

/** A pool of fake machines, drained when the test is over. */
function open(options: Partial<PoolOptions> & { start?: FakeStart } = {}) {
  const start = options.start ?? createFakeStart({ boot: { console: 'booted\n' } })
  const logged: string[] = []
  const takes: string[] = []
  const log = {
    info: (_fields: object, message: string) => void logged.push(message),
    warn: (_fields: object, message: string) => void logged.push(message),
  }
  const capacity: Room = { cpus: 4, memory: 8 }
  const pool = createPool({
    ...{ wants: [want], start, capacity, log },
    ensureImage: async () => image,
    spare: () => capacity,
    lookMs: 5,
    onTake: (name, result) => void takes.push(`${name} ${result}`),
    ...options,
  })
  onTestFinished(() => pool.drain())
  pool.look()
  const ready = (count: number) => until(`${count} ready`, () => pool.counts()[0]?.ready === count)
  return { pool, start, logged, takes, ready }
}

/** What a job asks of its machine, and all that it hears. */
function jobOrder(more: Partial<MachineOrder> = {}) {
  const heard: string[] = []
  const order: MachineOrder = {
    ...{ id: 'job-1', image, resources, network: 'web', userData: undefined, signal },
    onGate: ({ name }) => void heard.push(`gate ${name}`),
    onNote: (text) => void heard.push(`note ${text}`),
    onConsole: (chunk) => void heard.push(`console ${chunk.toString()}`),
    ...more,
  }
  return { order, heard }
}

describe('a machine of the pool', () => {
  it('is not for a job with a setup, which starts from a checkpoint or makes one', async () => {
    const { pool, start, ready, takes } = open()
    await ready(1)
    const behind = createFakeStart()
    const { order } = jobOrder({ setup: aSetup() })
    const machine = await withPool(behind, pool)(order)
    expect(machine.facts.strategy).toBe('fake')
    expect(behind.orders.map(({ setup, strategyReason }) => [setup, strategyReason])).toEqual([
      [order.setup, undefined],
    ])
    expect([pool.counts()[0]?.ready, start.orders.length, takes]).toEqual([1, 1, []])
  })

  it('is prepared, and has rehearsed, before a job has it', async () => {
    const { start, ready } = open()
    await ready(1)
    const [machine] = start.machines
    expect(machine?.calls).toEqual(['prepare', 'rehearse'])
    expect(machine?.preparation).toEqual({ workdir: '/home/ci/work', env: {} })
    expect(start.orders[0]).toMatchObject({ image, resources, network: 'web' })
    expect(start.orders[0]?.id).toMatch(/^pool-[0-9a-f]{10}$/)
  })

  it('tells its job everything from the moment of the take on, and its console from the first byte', async () => {
    const { pool, start, ready, takes } = open()
    await ready(1)
    start.orders[0]?.onNote('nobody hears this')
    const { order, heard } = jobOrder()
    const { machine } = pool.take(order)
    start.orders[0]?.onNote('refused')
    start.machines[0]?.console.say('later\n')
    expect(heard).toEqual(['console booted\n', 'gate take', 'note refused', 'console later\n'])
    expect(machine?.facts).toMatchObject({ strategy: 'pool', gates: [{ name: 'take' }] })
    expect(machine?.facts.strategyReason).toBeUndefined()
    expect(takes).toEqual(['a hit'])
  })

  it('is used once: the next job gets another, and it is destroyed by its job alone', async () => {
    const { pool, start, ready } = open()
    await ready(1)
    const first = pool.take(jobOrder().order).machine
    expect(pool.take(jobOrder().order)).toEqual({
      machine: undefined,
      reason: 'the pool had no machine ready',
    })
    await ready(1)
    const second = pool.take(jobOrder().order).machine
    expect(second?.id).not.toBe(first?.id)
    await pool.drain()
    expect(start.machines.slice(0, 2).map(({ destroyed }) => destroyed)).toEqual([[], []])
    await first?.destroy('now')
    expect(start.machines[0]?.destroyed).toEqual(['now'])
  })

  it.each<[string, Partial<MachineOrder>, string | undefined]>([
    ['of another image', { image: shelfImage('b') }, undefined],
    [
      'with custom user-data',
      { userData: '#cloud-config\n' },
      'its custom user-data is for a machine that nobody has started',
    ],
    ['of another size', { resources: { ...resources, disk: 4 } }, 'the pool has machines of another size'],
    ['of another network mode', { network: 'none' }, 'the pool has no machines with network none'],
  ])('is not for a job %s', async (_which, more, reason) => {
    const { pool, ready, takes } = open()
    await ready(1)
    expect(pool.take(jobOrder(more).order)).toEqual({ machine: undefined, reason })
    expect(takes).toEqual(reason === undefined ? [] : ['a miss'])
  })

  it('is replaced when the job has a newer image', async () => {
    let current: ShelfImage = image
    const { pool, start, ready } = open({ ensureImage: async () => current })
    await ready(1)
    current = { ...image, digest: `sha256:${'cd'.repeat(32)}` }
    const { order } = jobOrder({ image: current })
    expect(pool.take(order).reason).toBe('the machines of the pool were of another version of the image')
    await until('a newer one', () => start.machines.length === 2)
    await ready(1)
    expect(start.machines[0]?.destroyed).toEqual(['now'])
    expect(pool.take(order).machine?.id).toBe(start.machines[1]?.id)
  })

  it('that ends by itself is cleared away and replaced, after a pause', async () => {
    let now = 0
    const { pool, start, ready, logged } = open({ now: () => now })
    await ready(1)
    start.machines[0]?.end({ kind: 'killed', message: 'out of memory' })
    await ready(0)
    await until('it to be cleared away', () => start.machines[0]?.destroyed.length === 1)
    expect(logged).toContain('a machine of the pool ended by itself')
    pool.look()
    expect(start.orders).toHaveLength(1)
    now = 5000
    await ready(1)
    expect(start.machines).toHaveLength(2)
  })

  it('that does not start is tried again after a pause', async () => {
    let now = 0
    const start = createFakeStart({ boot: { instead: new Error('no') } })
    const { pool, logged } = open({ start, now: () => now })
    const tried = (count: number) =>
      until(`try ${count}`, () => start.orders.length === count && pool.counts()[0]?.starting === 0)
    await tried(1)
    now = 4999
    pool.look()
    expect(start.orders).toHaveLength(1)
    now = 5000
    await tried(2)
    now = 14_999
    pool.look()
    expect(start.orders).toHaveLength(2)
    expect(logged).toContain('a machine of the pool did not start')
  })
})

describe('room for jobs', () => {
  it('is spare room: nothing waits in what jobs were given', async () => {
    let spare: Room = { cpus: 0, memory: 8 }
    const { pool, start, ready } = open({ spare: () => spare })
    pool.look()
    expect(start.orders).toEqual([])
    spare = { cpus: 1, memory: 8 }
    await ready(1)
    expect(start.orders).toHaveLength(1)
  })

  it('is made before a job that finds none starts its own machine, and only as much as it needs', async () => {
    const wants = [{ ...want, min: 3, max: 3 }]
    let spare: Room = { cpus: 4, memory: 8 }
    const { pool, start, ready } = open({ wants, spare: () => spare })
    await ready(3)
    spare = { cpus: 0, memory: 2 }
    let waiting: readonly boolean[] = []
    const behind = createFakeStart()
    const startMachine = withPool(async (order) => {
      waiting = start.machines.map(({ destroyed }) => destroyed.length === 0)
      return await behind(order)
    }, pool)
    const { order } = jobOrder({ resources: { cpus: 2, memory: 2, disk: 3 } })
    const machine = await startMachine(order)
    expect(waiting).toEqual([false, true, true])
    expect(behind.orders[0]?.strategyReason).toBe('the pool has machines of another size')
    expect(pool.counts()).toEqual([{ image: 'a', ready: 2, starting: 0 }])
    await machine.destroy('now')
    spare = { cpus: 4, memory: 8 }
    await ready(3)
  })

  it('is not counted twice for a job that took a machine of the pool', async () => {
    const capacity = { cpus: 2, memory: 8 }
    let spare: Room = capacity
    const wants = [{ ...want, min: 2, max: 2 }]
    const { pool, start, ready } = open({ wants, capacity, spare: () => spare })
    await ready(2)
    spare = { cpus: 0, memory: 4 }
    const startMachine = withPool(createFakeStart(), pool)
    const taken = await startMachine(jobOrder().order)
    expect(taken.facts.strategy).toBe('pool')
    expect(pool.counts()[0]?.ready).toBe(1)
    const other = jobOrder({ network: 'none' })
    await startMachine(other.order)
    expect(start.machines.map(({ destroyed }) => destroyed.length)).toEqual([0, 1])
  })

  it('is given up even by a machine that is still starting, and the job does not outwait its cancellation', async () => {
    const hanging = createFakeStart({ boot: { instead: 'hang' } })
    const { pool } = open({ start: hanging, capacity: { cpus: 1, memory: 2 } })
    expect(pool.counts()[0]?.starting).toBe(1)
    const release = await pool.reserve(resources, signal)
    expect(pool.counts()[0]?.starting).toBe(0)
    release()
    let letGo: () => void = () => undefined
    const held = new Promise<never>((_resolve, reject) => {
      letGo = () => reject(new Error('gone'))
    })
    const stubborn = open({
      start: Object.assign(() => held, { orders: [], machines: [] }),
      capacity: { cpus: 1, memory: 2 },
    })
    await until('its start', () => stubborn.pool.counts()[0]?.starting === 1)
    await new Promise(setImmediate)
    const stop = new AbortController()
    const reserving = stubborn.pool.reserve(resources, stop.signal)
    stop.abort(new Error('cancelled'))
    await expect(reserving).rejects.toThrow('cancelled')
    letGo()
  })
})

describe('room that was reserved', () => {
  /** A pool of one machine whose start neither ends nor heeds its signal until it is let go. */
  function withStubborn(capacity: Room) {
    let letGo: () => void = () => undefined
    const held = new Promise<never>((_resolve, reject) => {
      letGo = () => reject(new Error('gone'))
    })
    let starts = 0
    const start = () => {
      starts++
      return held
    }
    const { pool } = open({ start: Object.assign(start, { orders: [], machines: [] }), capacity })
    // Before the pool is drained, which waits for it.
    onTestFinished(() => letGo())
    return { pool, letGo: () => letGo(), starts: () => starts }
  }

  it('is given back once, however often that is said', async () => {
    const capacity = { cpus: 2, memory: 8 }
    const { pool, ready } = open({ wants: [{ ...want, min: 2, max: 2 }], capacity, spare: () => capacity })
    await ready(2)
    const release = await pool.reserve(resources, signal)
    await pool.reserve(resources, signal)
    await ready(0)
    release()
    release()
    await ready(1)
    pool.look()
    expect(pool.counts()).toEqual([{ image: 'a', ready: 1, starting: 0 }])
  })

  it('is given back where the job is cancelled while it waits for it', async () => {
    const { pool, letGo, starts } = withStubborn({ cpus: 1, memory: 2 })
    await until('its start', () => starts() === 1)
    const stop = new AbortController()
    const reserving = pool.reserve(resources, stop.signal)
    stop.abort(new Error('cancelled'))
    await expect(reserving).rejects.toThrow('cancelled')
    letGo()
    await until('another start', () => starts() === 2)
  })

  it('is there at once where it does not need that of machines that are being ended', async () => {
    const { pool, starts } = withStubborn({ cpus: 2, memory: 8 })
    await until('its start', () => starts() === 1)
    const stop = new AbortController()
    const all = pool.reserve({ cpus: 2, memory: 8 }, stop.signal)
    stop.abort(new Error('cancelled'))
    await expect(all).rejects.toThrow('cancelled')
    await pool.reserve(resources, signal)
    expect(starts()).toBe(1)
  })
})

describe('a pool that is drained', () => {
  it('ends what waits and what starts, and neither starts nor hands out any more', async () => {
    const { pool, start, ready } = open({ wants: [{ ...want, min: 2, max: 2 }] })
    await ready(2)
    await pool.drain()
    expect(start.machines.map(({ destroyed }) => destroyed)).toEqual([['now'], ['now']])
    expect(pool.take(jobOrder().order).machine).toBeUndefined()
    pool.look()
    expect(start.orders).toHaveLength(2)
  })
})
