import { Hono } from 'hono'
import type { HttpEnv } from '../auth.ts'
import { badgeSvg } from '../badge-svg.ts'
import type { HttpParts } from '../http-parts.ts'

/**
 * `/badges/FORGE/OWNER/NAME.svg?branch=B&job=J`. Open to everyone, since a README shows them; says no more than the
 * last verdict, and `unknown` alike for what does not exist.
 */
export function badgeRoutes({ store }: HttpParts): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>()
  routes.get('/badges/:forge/:path{.+\\.svg}', async (context) => {
    const repository = `${context.req.param('forge')}:${context.req.param('path').slice(0, -'.svg'.length)}`
    const branch = context.req.query('branch')
    const job = context.req.query('job')
    const { items } = await store.builds.list(
      { repository, ...(branch === undefined ? {} : { branch }) },
      { limit: 100, cursor: undefined },
    )
    // A pull request is listed under the branch it wants to go to; it says nothing about that branch.
    const build = items.find(({ trigger }) => trigger.pullRequest === undefined)
    const jobs = build === undefined || job === undefined ? [] : await store.jobs.ofBuild(build.id)
    const state = job === undefined ? build?.state : jobs.find(({ name }) => name === job)?.state
    return context.body(badgeSvg(job ?? 'build', state ?? 'unknown'), 200, {
      'Content-Type': 'image/svg+xml; charset=utf-8',
      'Cache-Control': 'no-cache, max-age=30',
    })
  })
  return routes
}
