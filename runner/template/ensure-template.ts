import type { HostConfig } from '../../config/host/host-config.ts'
import { withLock } from '../../images/lock.ts'
import type { BootOrder } from '../machine/boot-order.ts'
import { buildTemplate, CannotFreeze } from './build-template.ts'
import { templateLock, templatesFolder } from './filenames.ts'
import { forgetFailure, knownFailure, noteFailure } from './known-failure.ts'
import type { Template } from './template.ts'
import { type TemplateSubject, templateKey } from './template-key.ts'
import { evictTemplates, findTemplate, sweepWork } from './template-shelf.ts'

type EnsureTemplate = {
  readonly subject: TemplateSubject
  readonly host: HostConfig
  readonly dataFolder: string
  readonly signal: AbortSignal
  readonly onGate: BootOrder['onGate']
  readonly onNote: BootOrder['onNote']
  readonly onConsole: BootOrder['onConsole']
  /** Try again even where it failed a moment ago. */
  readonly insist?: boolean
}

/**
 * The template of a subject, built now if there is none. Whoever else wants it waits for the one builder.
 *
 * Throws CannotFreeze where it cannot be built, and again without trying for an hour; what `bootMachine` throws where
 * its machine does not boot; or the signal's reason.
 */
export async function ensureTemplate(ensure: EnsureTemplate): Promise<Template> {
  const { subject, dataFolder, signal, onNote, insist = false } = ensure
  const key = await templateKey(subject)
  const shelf = templatesFolder(dataFolder)
  const find = () => findTemplate(shelf, key, (fault) => onNote(`template ${key} thrown away: ${fault}`))
  const found = await find()
  if (found !== undefined) return found
  const onWait = () => onNote(`waiting for template ${key}, which another process or job is building`)
  return await withLock({ path: templateLock(shelf, key), signal, onWait }, async () => {
    const made = await find()
    if (made !== undefined) return made
    const failure = insist ? undefined : await knownFailure(shelf, key)
    if (failure !== undefined) throw new CannotFreeze(failure)
    return await build(ensure, key)
  })
}

async function build(ensure: EnsureTemplate, key: string): Promise<Template> {
  const { subject, host, dataFolder, onNote } = ensure
  const { quota, maxAge } = host.templates
  const shelf = templatesFolder(dataFolder)
  onNote(`building template ${key} of ${subject.image.name}, once for all jobs like this one`)
  await sweepWork(shelf)
  try {
    const template = await buildTemplate({ ...ensure, key })
    await forgetFailure(shelf, key)
    await evictTemplates({ shelf, quota, maxAge, keep: key })
    return template
  } catch (error) {
    if (error instanceof CannotFreeze) await noteFailure(shelf, key, error.message)
    throw error
  }
}
