import type { StartMachine } from '../../../runner/job/job-order.ts'
import { createFakeMachine, type FakeMachine } from '../../fake-machine.ts'
import type { Chance } from '../../faults/chance.ts'
import type { BookLine } from './with-books.ts'

type Play = {
  readonly chance: Chance
  /** Hears of each step that ran to its end, before its exit is known; each job has one step. */
  readonly onRun: (attempt: Pick<BookLine, 'id' | 'attempt'>) => Promise<void>
}

/** Long enough to be found under way by a host that was lost with the attempt before and comes to life again. */
const anewMs = 2000

/** Starts machines that are there at once and whose steps do nothing for 50 to 500 ms, or two seconds the second time. */
export function playMachine({ chance, onRun }: Play): StartMachine {
  return async ({ id, image, resources, network, onGate, onConsole }) => {
    const attempt = () => readAttempt(machine.preparation?.env.MAYFLY_JOB_ID ?? '')
    const machine: FakeMachine = createFakeMachine({
      id,
      facts: { image: image.name, imageDigest: image.digest, ...resources, network },
      steps: () => ({
        prints: ['begun\n', attempt().attempt > 1 ? anewMs : 50 + chance.number(450), 'done\n'],
      }),
    })
    machine.console.listen(onConsole)
    onGate({ name: 'nonce', ms: 0 })
    const { runStep } = machine
    return Object.assign(machine, {
      runStep: async (...[step, signal]: Parameters<typeof runStep>) => {
        const exit = await runStep(step, signal)
        await onRun(attempt())
        return exit
      },
    })
  }
}

function readAttempt(name: string): Pick<BookLine, 'id' | 'attempt'> {
  const [, id, attempt] = /^(.+)-(\d+)$/.exec(name) ?? []
  if (id === undefined) throw new Error(`expected the name of an attempt, got ${JSON.stringify(name)}`)
  return { id, attempt: Number(attempt) }
}
