import { expect, it } from 'vitest'
import { announceBytes } from '../../../orchestrator/worker/announce-bytes.ts'
import { attemptId } from '../../../orchestrator/worker/attempt-id.ts'
import { memoryBus } from '../http/memory-bus.ts'

it('tells how far log and console have come, in few words and the last one at the end', () => {
  const { bus, said } = memoryBus()
  const { onEvent, end } = announceBytes({ bus, job: 'j' })
  for (let chunk = 0; chunk < 1000; chunk++)
    onEvent({ type: 'log', step: 0, data: Buffer.alloc(10), at: chunk })
  onEvent({ type: 'console', data: Buffer.alloc(3), at: 1 })
  expect(said).toEqual([])
  end()
  expect(said).toEqual([
    { type: 'log', job: 'j', size: 10_000 },
    { type: 'console', job: 'j', size: 3 },
  ])
})

it('names an attempt by its job and its number', () => {
  expect(attemptId({ id: '01a-main', attempt: 2 })).toBe('01a-main-2')
})
