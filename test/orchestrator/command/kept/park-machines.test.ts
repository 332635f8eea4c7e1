import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { parsePipeline } from '../../../../config/pipeline/parse-pipeline.ts'
import { parkMachines } from '../../../../orchestrator/command/kept/park-machines.ts'
import { isParkedHere } from '../../../../orchestrator/command/kept/visit-parked.ts'
import type { View } from '../../../../orchestrator/command/view/view.ts'
import { createRecord } from '../../../../runner/job/job-record.ts'
import { createFakeMachine, type FakeMachineOptions } from '../../../fake-machine.ts'

const id = 'local-1-main'

/** Parks the machine of a failed local job, and gives what was told. */
async function park(options: FakeMachineOptions = {}, signal = new AbortController().signal) {
  const dataFolder = await mkdtemp(join(tmpdir(), 'mayfly-park-'))
  onTestFinished(() => rm(dataFolder, { recursive: true }))
  const told: unknown[] = []
  const view = {
    parked: (parked: unknown) => told.push(parked),
    keptOver: (why: string) => told.push(why),
  } as unknown as View
  const [job] = parsePipeline({ text: 'steps: [ "make" ]\n', file: 'p.yml' }).jobs
  if (job === undefined) throw new Error('expected a job')
  const context = { jobId: id, buildId: 'b', repo: 'r', ref: 'm', sha: 's', event: 'manual' }
  const record = {
    ...createRecord('main', context),
    verdict: 'failed' as const,
    reason: 'step "make" failed',
  }
  const machine = createFakeMachine(options)
  const become = parkMachines({ dataFolder, dataFlag: '/my data', view, signal })
  await become({ job, record, machine, secrets: { TOKEN: 'a-secret-of-this-job' } })
  expect(machine.destroyed).toEqual(['now'])
  return { dataFolder, machine, told }
}

it('parks a machine without its secrets, and says how to come back', async () => {
  const { dataFolder, machine, told } = await park()
  expect(machine.calls).toEqual(['forgetSecrets', 'putFile', 'park', 'destroy'])
  expect(told).toEqual([{ job: id, bytes: 2 ** 27, debug: "mayfly debug --data '/my data' local-1-main" }])
  expect(isParkedHere(dataFolder, id)).toBe(true)
  const greeting = await readFile(join(dataFolder, 'jobs', id, 'parked', 'greeting'), 'utf8')
  expect(greeting).toContain('failed: step "make" failed')
})

it('ends a machine that cannot be parked, whose secrets stay, or that nobody wants any more, and says so', async () => {
  const mute = await park({ faults: { park: new Error('it does not answer') } })
  expect(mute.told).toEqual(['it could not be parked: it does not answer'])
  const unclean = await park({ faults: { forgetSecrets: new Error('no such process') } })
  expect(unclean.told).toEqual(['it could not be parked: no such process'])
  expect(unclean.machine.calls).not.toContain('park')
  const cut = await park({}, AbortSignal.abort(new Error('Ctrl-C')))
  expect(cut.told).toEqual(['it could not be parked: interrupted'])
  for (const { dataFolder } of [mute, unclean, cut]) expect(isParkedHere(dataFolder, id)).toBe(false)
})
