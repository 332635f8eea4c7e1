import { Hono } from 'hono'
import { describeRoute } from 'hono-openapi'
import { parsePublicKey } from '../../gateway/public-key.ts'
import { debugKeys, type OptIn } from '../../holds/opt-ins.ts'
import type { BuildJob } from '../../model/build.ts'
import { askNewUsers, askUsers } from '../../user-keys/ask-users.ts'
import { type HttpEnv, requireScope } from '../auth.ts'
import { checked } from '../checked.ts'
import { HttpError, notFound } from '../http-error.ts'
import type { HttpParts } from '../http-parts.ts'
import { mayEnterSchema } from '../schemas/opt-in-schema.ts'

const optInSchema = mayEnterSchema.refine(
  ({ keys, users }) => keys.length + users.length > 0,
  'expected keys or users, got neither',
)

type HoldState = NonNullable<BuildJob['hold']>['state']
type OrderName = 'release' | 'park' | 'resume'
type Order = { readonly summary: string; readonly states: readonly HoldState[] }

/** What can be done with a machine that is kept, by those that it can be done with. */
const orders: Readonly<Record<OrderName, Order>> = {
  release: { summary: 'Ends the kept or parked machine of a job', states: ['held', 'parked'] },
  park: { summary: 'Parks the kept machine of a job', states: ['held'] },
  resume: { summary: 'Resumes the parked machine of a job', states: ['parked'] },
}

/** Who may walk into the machines of a repository's failed jobs; and ending what is kept. */
export function debugRoutes(parts: HttpParts): Hono<HttpEnv> {
  const { optIns, store, bus, now } = parts
  const routes = new Hono<HttpEnv>()
  const debug = requireScope('debug', parts)
  routes.get('/debug/:key{.+}', debug, doc('Who may debug a repository'), async (context) => {
    const key = context.req.param('key')
    const optIn = await optIns.get(key)
    if (optIn === undefined) throw notFound('opt-in', key)
    return context.json(show(optIn))
  })
  routes.put(
    '/debug/:key{.+}',
    debug,
    doc('Opts a repository in to debug SSH, with the keys of those who may enter'),
    checked('json', optInSchema),
    async (context) => {
      const key = context.req.param('key')
      const repository = await store.repositories.get(key)
      if (repository === undefined) throw notFound('repository', key)
      const { keys, users: names } = context.req.valid('json')
      for (const { publicKey } of keys) parsePublicKey(publicKey)
      const { users, problems } = await askNewUsers({ repository, names, now })
      const optIn = { by: context.get('caller').name, at: now().toISOString(), keys, users }
      await optIns.put(key, optIn)
      parts.log.info({ repository: key, by: optIn.by, keys: show(optIn).keys }, 'opted in to debug SSH')
      return context.json({ ...show(optIn), problems })
    },
  )
  routes.post('/debug/:key{.+}', debug, doc('Reads the keys of its users anew'), async (context) => {
    const key = context.req.param('key')
    const repository = await store.repositories.get(key)
    const optIn = await optIns.get(key)
    if (repository === undefined || optIn === undefined) throw notFound('opt-in', key)
    const names = (optIn.users ?? []).map(({ name }) => name)
    const { users, problems } = await askUsers({ repository, names, now })
    const after = { ...optIn, users }
    if (!(await optIns.replace(key, optIn, after)))
      throw new HttpError(409, 'expected an opt-in that stays as it is meanwhile, got one that was changed')
    return context.json({ ...show(after), problems })
  })
  routes.delete('/debug/:key{.+}', debug, doc('Ends the opt-in of a repository'), async (context) => {
    const key = context.req.param('key')
    if (!(await optIns.remove(key))) throw notFound('opt-in', key)
    parts.log.info({ repository: key, by: context.get('caller').name }, 'no longer opted in to debug SSH')
    return context.json({ removed: key })
  })
  for (const [type, { summary, states }] of Object.entries(orders)) {
    routes.post(`/jobs/:job/${type}`, debug, doc(summary), async (context) => {
      const id = context.req.param('job')
      const job = await store.jobs.get(id)
      if (job === undefined) throw notFound('job', id)
      const state = job.hold?.state
      if (state === undefined || !states.includes(state))
        throw new HttpError(
          409,
          `expected a job whose machine is ${states.join(' or ')}, got one whose machine is ${state ?? 'gone'}`,
        )
      await bus.publish({ type: type as OrderName, job: id, by: context.get('caller').name })
      return context.json({ job: id }, 202)
    })
  }
  return routes
}

function show(optIn: OptIn) {
  const { by, at } = optIn
  const shown = debugKeys(optIn).map(({ who, publicKey }) => ({
    who,
    fingerprint: parsePublicKey(publicKey).fingerprint,
  }))
  return { by, at, keys: shown }
}

function doc(summary: string) {
  return describeRoute({ summary, responses: { 200: { description: 'done' } } })
}
