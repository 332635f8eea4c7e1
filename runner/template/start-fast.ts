import { InfraError } from '../../config/errors.ts'
import { startWithSetup } from '../checkpoint/start-with-setup.ts'
import { bootMachine } from '../machine/boot-machine.ts'
import type { BootOrder } from '../machine/boot-order.ts'
import { NoMemory } from '../machine/check-memory.ts'
import { KilledOnHost } from '../machine/killed-on-host.ts'
import type { Machine } from '../machine/machine.ts'
import { hasCustomUserData } from '../seed/seed.ts'
import { CannotFreeze } from './build-template.ts'
import { cloneMachine } from './clone-machine.ts'
import { ensureTemplate } from './ensure-template.ts'
import { templatesFolder } from './filenames.ts'
import type { Template } from './template.ts'
import { removeTemplate, touchTemplate } from './template-shelf.ts'

/**
 * Starts a machine in the fastest way that is right for it: from a checkpoint of its setup, from its template, which is
 * built if need be, or from cold. A template that does not start is thrown away, unless the machine was killed from outside, and the machine
 * comes up from cold, once.
 *
 * Throws InfraError with its class, ConfigError where this host could never run it, or the signal's reason.
 */
export async function startFast(order: BootOrder): Promise<Machine> {
  const { setup, ...plain } = order
  if (setup === undefined) return await startPlain(order)
  const startAnew = (reason: string, signal: AbortSignal) =>
    startPlain({
      ...plain,
      signal,
      preparation: setup.preparation,
      checkpoint: { state: 'none', reason },
    })
  const slow = whyCold(order)
  if (slow !== undefined) return await startAnew(slow, order.signal)
  return await startWithSetup({ order, setup, startAnew })
}

async function startPlain(order: BootOrder): Promise<Machine> {
  const slow = whyCold(order)
  if (slow !== undefined) return await bootMachine({ ...order, strategyReason: slow })
  const { signal } = order
  let template: Template
  try {
    template = await ensureTemplate({ ...order, subject: order })
  } catch (error) {
    signal.throwIfAborted()
    const noRoom = error instanceof InfraError && error.class === 'host-disk-full'
    if (!(error instanceof CannotFreeze) && !noRoom) throw error
    return await bootMachine({
      ...order,
      strategyReason: `its template could not be made: ${error.message}`,
    })
  }
  try {
    const machine = await cloneMachine({ order, template, strategy: 'template' })
    await touchTemplate(template)
    return machine
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof InfraError) || error.class === 'host-disk-full') throw error
    if (error instanceof NoMemory) throw error
    const wasKilled = error instanceof KilledOnHost
    if (!wasKilled) await removeTemplate(templatesFolder(order.dataFolder), template.key)
    const what = wasKilled ? 'did not start' : 'did not start and was thrown away'
    const strategyReason = `template ${template.key} ${what}: ${error.message}`
    order.onNote(strategyReason)
    return await bootMachine({ ...order, strategyReason, templateFailed: true })
  }
}

/** Why a machine cannot come from a template; undefined where it can. */
function whyCold({ host, userData }: BootOrder): string | undefined {
  if (!host.templates.use) return 'the host file says `templates: { use: false }`'
  if (hasCustomUserData([userData]))
    return 'its custom user-data is for cloud-init, which runs in a first boot'
  return undefined
}
