import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { onTestFinished } from 'vitest'
import type { Machine } from '../../../runner/machine/machine.ts'
import { templatesFolder } from '../../../runner/template/filenames.ts'
import { listTemplates } from '../../../runner/template/template-shelf.ts'
import { type Boot, fastHost, makeDataFolder, removeDataFolder, startBoot } from '../acceptance/boot.ts'

/** The size of machine that tests of templates start, so that they share one template. */
export const small = { cpus: 2, memory: 512 * 2 ** 20, disk: 10 * 2 ** 30 }

/** A data folder of a test's own on the image and the templates that all share. */
export async function dataOnSharedTemplates(): Promise<string> {
  const data = await makeDataFolder()
  onTestFinished(() => removeDataFolder(data))
  return data
}

type StartClone = Omit<Partial<Parameters<typeof startBoot>[0]>, 'data'> & { readonly data: string }

/** Starts a machine from its template. */
export async function startClone(order: StartClone): Promise<Boot> {
  return await startBoot({ resources: small, ...order, host: { ...(await fastHost()), ...order.host } })
}

/** A machine from its template, gone when the test is over. */
export async function clone(order: StartClone): Promise<Machine> {
  const machine = await (await startClone(order)).ready
  onTestFinished(async () => {
    await machine.destroy('now')
  })
  return machine
}

/** The one template of small machines among those that are shared. */
export async function smallTemplate(data: string) {
  const found = (await listTemplates(templatesFolder(data))).find(
    ({ manifest }) => JSON.stringify(manifest.resources) === JSON.stringify(small),
  )
  if (found === undefined) throw new Error('expected a template of small machines')
  return found
}

export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash)
  return hash.digest('hex')
}
