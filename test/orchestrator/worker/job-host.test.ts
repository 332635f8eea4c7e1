import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { waitingJobs } from '../../../orchestrator/builds/waiting-jobs.ts'
import { reportHosts } from '../../../orchestrator/metrics/host-metrics.ts'
import { untilAborted } from '../../../runner/until-aborted.ts'
import { aRepository } from '../builds/a-repository.ts'
import { until } from '../until.ts'
import { hostWorld } from './host-world.ts'

const gib = 2 ** 30
const minute = 60_000
const hangs = { instead: 'hang' as const }
const job = (name: string, more = '') => `  ${name}:\n${more}    steps: [{ name: ${name}, run: make }]\n`
const sized = (cpus: number, memory: string) => `    resources: { cpus: ${cpus}, memory: ${memory} }\n`

describe('startJobHost', () => {
  it(
    'AC35: reports as allocated the sum of the machines that run, and a job beyond what is free waits in line with a reason',
    async () => {
      const file = `jobs:\n${job('small', sized(1, '1GiB'))}${job('large', sized(3, '4GiB'))}${job('late', sized(2, '3GiB'))}`
      const world = await hostWorld({ file })
      reportHosts(world)
      const machine = { steps: { small: hangs, large: hangs, late: hangs } }
      const { start } = world.startHost('a', { machine, capacity: { cpus: 4, memory: 6 * gib } })
      const { ids } = await world.push()
      const steps = () =>
        start.machines.filter(({ ran, destroyed }) => ran.length > 0 && destroyed.length === 0)
      await until('two machines', () => steps().length === 2, minute)
      const sum = () => ({
        cpus: steps().reduce((all, { facts }) => all + facts.cpus, 0),
        memory: steps().reduce((all, { facts }) => all + facts.memory, 0),
      })
      const taken = async () => {
        const [host] = await world.hosts.list()
        return { cpus: host?.cpus.taken, memory: host?.memory.taken }
      }
      const metric = async (name: string) => {
        const text = await world.metrics.registry.metrics()
        return Number(new RegExp(`^${name}{host="a",kind="allocated"} (\\S+)$`, 'm').exec(text)?.[1])
      }
      const agrees = async () => {
        const [said, ran] = [await taken(), sum()]
        return said.cpus === ran.cpus && said.memory === ran.memory
      }
      await until('the host to say so', agrees, minute)
      expect(await taken()).toEqual({ cpus: 4, memory: 5 * gib })
      expect(await metric('mayfly_host_cpus')).toBe(4)
      expect(await metric('mayfly_host_memory_bytes')).toBe(5 * gib)

      const capacities = (await world.hosts.list()).map(({ name, cpus, memory }) => ({
        ...{ id: name, cpus: cpus.total, memory: memory.total },
      }))
      expect(await waitingJobs({ ...world.parts, hostCapacity: async () => capacities }, 10)).toMatchObject([
        {
          job: ids.late,
          position: 1,
          reason: 'next, waits for room: it asks for 2 cpus and 3 GiB, free are 0 cpus and 1 GiB',
        },
      ])
      await world.builds.cancel({ job: ids.large ?? '' }, 'ann')
      await until('the third to run', () => steps().length === 2 && sum().cpus === 3, minute)
      await until('the host to say so', agrees, minute)
      expect(await metric('mayfly_host_cpus')).toBe(3)
      await world.builds.cancel({ job: ids.late ?? '' }, 'ann')
      await world.builds.cancel({ job: ids.small ?? '' }, 'ann')
      await until('nothing to be taken', async () => (await taken()).cpus === 0, minute)
    },
    2 * minute,
  )

  it(
    'shows a job at all times for which a host with some room waits for more, before those behind it',
    async () => {
      const file = `jobs:\n${job('large', sized(3, '1GiB'))}${job('next', sized(2, '1GiB'))}${job('last', sized(2, '1GiB'))}`
      const world = await hostWorld({ file })
      const capacity = { cpus: 4, memory: 6 * gib }
      const { start } = world.startHost('a', { machine: { steps: () => hangs }, capacity })
      const { ids } = await world.push()
      await until('a machine', () => start.machines.some(({ ran }) => ran.length > 0), minute)
      await until('a job in the host’s hand', async () => (await world.queue.inHand()).length === 2, minute)
      const parts = { ...world.parts, hostCapacity: async () => [{ id: 'a', ...capacity }] }
      for (let look = 0; look < 20; look++) {
        expect(await waitingJobs(parts, 10)).toMatchObject([
          {
            job: ids.next,
            reason: 'next, waits for room: it asks for 2 cpus and 1 GiB, free are 1 cpu and 5 GiB',
          },
          { job: ids.last, position: 2 },
        ])
        await sleep(50)
      }
      for (const id of Object.values(ids)) await world.builds.cancel({ job: id }, 'ann')
    },
    2 * minute,
  )

  it(
    'AC34: a kill ends the machine at once, whatever the job is busy with, and the verdict says so',
    async () => {
      const world = await hostWorld({ file: `jobs:\n${job('main')}` })
      let letGo: () => void = () => undefined
      const stuck = new Promise<void>((resolve) => {
        letGo = resolve
      })
      const { start } = world.startHost('a', {
        // Its output cannot be written, so that the job itself would never come to see a word of cancelling.
        machine: { steps: { main: hangs } },
        parts: {
          startMachine: async (order) => {
            const machine = await start(order)
            return { ...machine, runStep: () => stuck.then(() => ({ kind: 'killed' as const })) }
          },
        },
      })
      const { ids } = await world.push()
      const id = ids.main ?? ''
      await until('the job to run', () => start.machines[0]?.calls.includes('upload') === true, minute)
      expect(start.machines[0]?.destroyed).toEqual([])
      expect(await world.builds.kill(id, 'ann')).toBe(true)
      await until('the machine to be killed', () => start.machines[0]?.destroyed[0] === 'now', minute)
      letGo()
      await until('the verdict', async () => (await world.store.jobs.get(id))?.ended !== undefined, minute)
      expect(await world.store.jobs.get(id)).toMatchObject({
        state: 'cancelled',
        reason: 'killed by ann: its machine was ended with SIGKILL',
        attempt: 1,
      })
      expect(await world.builds.kill(id, 'ann')).toBe(false)
    },
    2 * minute,
  )

  it(
    'AC34: a kill ends a boot that hangs, and one whose word the bus lost is found on the record',
    async () => {
      const world = await hostWorld({ file: `jobs:\n${job('main')}` })
      const { start } = world.startHost('a', { machine: { boot: { instead: 'hang' } } })
      const { ids } = await world.push()
      const id = ids.main ?? ''
      await until('the boot', () => start.orders.length === 1, minute)
      await world.store.jobs.change(id, ['claimed', 'running'], {
        cancelRequested: 'bob',
        killRequested: 'bob',
      })
      await until('the verdict', async () => (await world.store.jobs.get(id))?.ended !== undefined, minute)
      expect(await world.store.jobs.get(id)).toMatchObject({
        state: 'cancelled',
        reason: 'killed by bob: its machine was ended with SIGKILL',
      })
    },
    2 * minute,
  )

  it(
    'can be cancelled in every state: blocked, queued, held by a limit, claimed and running',
    async () => {
      const file = `jobs:\n${job('first')}${job('held')}${job('blocked', '    needs: [first]\n')}`
      const limits = { running: 1, queued: 100, matrix: 100 }
      const world = await hostWorld({ file, repository: { limits } })
      const { ids } = await world.push()
      const state = async (name: string) => (await world.store.jobs.get(ids[name] ?? ''))?.state
      const cancel = (name: string) => world.builds.cancel({ job: ids[name] ?? '' }, 'ann')
      const { ids: early } = await world.push()
      await world.builds.cancel({ job: early.first ?? '' }, 'ann')
      expect(await world.store.jobs.get(early.first ?? '')).toMatchObject({ state: 'cancelled' })
      await world.builds.cancel({ job: early.held ?? '' }, 'ann')

      let claimed: () => void = () => undefined
      const isClaimed = new Promise<void>((resolve) => {
        claimed = resolve
      })
      const { start } = world.startHost('a', {
        machine: { steps: { first: hangs, held: hangs } },
        parts: {
          mirror: {
            ...world.parts.mirror,
            source: async (_repository, _commit, _limits, signal) => {
              claimed()
              return await untilAborted(new Promise<never>(() => undefined), signal)
            },
          },
        },
      })
      await isClaimed
      expect(await state('first')).toBe('claimed')
      await until(
        'the other to be held',
        async () => (await world.store.jobs.get(ids.held ?? ''))?.waiting?.includes('at most 1') === true,
        minute,
      )
      expect(await state('blocked')).toBe('blocked')
      expect([await cancel('blocked'), await cancel('held'), await cancel('first')]).toEqual([
        true,
        true,
        true,
      ])
      await until('the claimed one to end', async () => (await state('first')) !== 'claimed', minute)
      expect([await state('first'), await state('held'), await state('blocked')]).toEqual([
        'cancelled',
        'cancelled',
        'cancelled',
      ])
      expect(start.orders).toEqual([])
      expect(await cancel('first')).toBe(false)
    },
    2 * minute,
  )

  it(
    'lets no bad job block the line, and ends a poison job as errored after a bounded number of tries',
    async () => {
      const file = `jobs:\n${job('poison')}${job('good')}${job('late', '    needs: [good]\n')}`
      const world = await hostWorld({ file })
      let tries = 0
      const { build, ids } = await world.push()
      const poisoned = {
        ...world.store,
        jobs: {
          ...world.store.jobs,
          claim: async (id: string, host: string, most?: number) => {
            if (id !== ids.poison) return await world.store.jobs.claim(id, host, most)
            tries += 1
            throw Object.assign(new Error('WRONGTYPE: its record is broken'), { name: 'ReplyError' })
          },
        },
      }
      world.startHost('a', { parts: { store: poisoned }, capacity: { cpus: 2, memory: 4 * gib } })
      const state = async (name: string) => (await world.store.jobs.get(ids[name] ?? ''))?.state
      await until('the good ones', async () => (await state('late')) === 'passed', minute)
      await until(
        'the end of the bad one',
        async () => (await world.store.builds.get(build.id))?.state === 'errored',
        minute,
      )
      const ended = await world.store.jobs.get(ids.poison ?? '')
      expect(ended).toMatchObject({ failure: 'host-lost', attempt: 2 })
      // Three tries for each of the two attempts that its `retry` allows.
      expect(tries).toBe(6)
    },
    2 * minute,
  )

  it(
    'takes up a claim of its own whose answer was lost, and runs it once',
    async () => {
      const world = await hostWorld({ file: `jobs:\n${job('main')}` })
      let lost = 0
      const { ids } = await world.push()
      const { start } = world.startHost('a', {
        parts: {
          store: {
            ...world.store,
            jobs: {
              ...world.store.jobs,
              claim: async (id, host, most) => {
                const claimed = await world.store.jobs.claim(id, host, most)
                if (lost++ === 0) throw new Error('the connection was lost')
                return claimed
              },
            },
          },
        },
      })
      const id = ids.main ?? ''
      await until('the verdict', async () => (await world.store.jobs.get(id))?.state === 'passed', minute)
      expect(start.machines).toHaveLength(1)
      expect((await world.store.jobs.get(id))?.attempt).toBe(1)
    },
    2 * minute,
  )

  it(
    'takes jobs of the repositories in turn, of each those first that the pipeline file puts first',
    async () => {
      const file = `jobs:\n${job('last', '    priority: -5\n')}${job('usual')}${job('urgent', '    priority: 5\n')}`
      const world = await hostWorld({ file })
      const other = aRepository({ name: 'mayfly/other' })
      await world.store.repositories.put(other)
      const first = await world.push()
      const second = await world.push(other)
      const line = ['urgent', 'usual', 'last'].flatMap((name) => [first.ids[name], second.ids[name]])
      expect(await world.queue.waiting(10)).toEqual(line)
      expect((await waitingJobs(world.parts, 10)).map((one) => one.job)).toEqual(line)
      const { start } = world.startHost('a', { capacity: { cpus: 2, memory: 4 * gib } })
      await until('all of them', () => start.machines.length === 6, minute)
      expect(start.orders.map(({ id }) => id)).toEqual(line.map((id) => `${id}-1`))
    },
    2 * minute,
  )
})
