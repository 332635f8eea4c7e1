import { Hono } from 'hono'
import { requestId } from 'hono/request-id'
import { expect, it } from 'vitest'
import { answerError } from '../../../orchestrator/http/answer-error.ts'
import { keptLog } from '../kept-log.ts'

it('names a request that failed in the log as its answer does', async () => {
  const { log, lines } = keptLog()
  const app = new Hono()
  app.use(requestId())
  app.onError(answerError(log))
  app.get('/broken', () => {
    throw new Error('a fault of ours')
  })
  const answer = await app.request('/broken')
  const request = answer.headers.get('x-request-id')
  expect(request).toMatch(/./)
  expect(JSON.parse(lines())).toMatchObject({
    ...{ msg: 'a request failed', request, method: 'GET', path: '/broken' },
    err: { type: 'Error', message: 'a fault of ours', stack: expect.stringContaining('about-request.test') },
  })
})
