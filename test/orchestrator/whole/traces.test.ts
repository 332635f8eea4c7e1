import { describe, expect, it } from 'vitest'
import { startCollector } from '../traces/collector.ts'
import { until } from '../until.ts'
import { startWhole } from './whole-server.ts'

const twoSteps = `resources: { cpus: 1, memory: 256MiB }
steps:
  - name: build
    run: make
  - name: check
    run: make check
`
const limits = { timeout: 120_000 }

describe('a server with a collector of traces', () => {
  it('tells it of a build, of its job, and of each phase and step in that', limits, async (context) => {
    const { endpoint, spans } = await startCollector()
    const machine = { steps: { check: { exits: 1 } } }
    const whole = await startWhole({ machine, host: { traces: { endpoint } } })
    context.onTestFinished(() => whole.close())
    const push = await whole.repository('octo/traced', { '.mayfly.yml': twoSteps })
    await whole.deliver(push)
    const build = await whole.verdict(push.name, 60_000)
    expect(build.state).toBe('failed')
    const named = (name: string) => spans.find((span) => span.name === name)
    await until(
      'both traces',
      () => named('main') !== undefined && named(`RUN github:${push.name}`) !== undefined,
    )

    const [run, job] = [named(`RUN github:${push.name}`), named('main')]
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1)
    expect(run?.attributes).toMatchObject({
      'cicd.pipeline.run.id': build.id,
      'cicd.pipeline.result': 'failure',
      'vcs.repository.name': `github:${push.name}`,
      'vcs.ref.head.revision': push.sha,
      'vcs.ref.head.name': 'main',
    })
    expect(job).toMatchObject({
      parentSpanId: run?.spanId,
      resource: { 'service.name': 'mayfly' },
      attributes: {
        'cicd.pipeline.task.run.id': `${build.jobs[0]?.id}-1`,
        'cicd.pipeline.task.run.result': 'failure',
        'cicd.pipeline.task.run.url.full': `${whole.url}/jobs/${build.jobs[0]?.id}`,
        'mayfly.image': 'debian-12-local',
      },
      status: { code: 2 },
    })
    for (const phase of ['wait', 'image', 'boot', 'upload', 'steps', 'destroyed'])
      expect({ phase, parent: named(phase)?.parentSpanId }).toEqual({ phase, parent: job?.spanId })
    for (const step of ['build', 'check']) expect(named(step)?.parentSpanId).toBe(named('steps')?.spanId)
    expect(named('build')?.status).toMatchObject({ code: 1 })
    expect(named('check')).toMatchObject({ status: { code: 2, message: 'failed' } })
    expect(named('check')?.attributes).toEqual({ 'mayfly.step': 1, 'process.exit.code': 1 })
    for (const span of spans) expect(span.endTimeUnixNano).toBeGreaterThanOrEqual(span.startTimeUnixNano)
    const inside = spans.filter(({ parentSpanId }) => parentSpanId === job?.spanId)
    for (const span of inside) {
      expect(span.startTimeUnixNano).toBeGreaterThanOrEqual(Number(job?.startTimeUnixNano) - 1)
      expect(span.endTimeUnixNano).toBeLessThanOrEqual(Number(job?.endTimeUnixNano) + 1)
    }
  })

  it('goes on with the trace of a webhook call that is part of one', limits, async (context) => {
    const { endpoint, spans } = await startCollector()
    const whole = await startWhole({ host: { traces: { endpoint } } })
    context.onTestFinished(() => whole.close())
    const push = await whole.repository('octo/called', { '.mayfly.yml': twoSteps })
    const [trace, caller] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7']
    await whole.deliver(push, { headers: { traceparent: `00-${trace}-${caller}-01` } })
    await whole.verdict(push.name, 60_000)
    await until('the build', () => spans.some(({ name }) => name === `RUN github:${push.name}`))
    await until('the job', () => spans.some(({ name }) => name === 'main'))
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([trace]))
    expect(spans.find(({ name }) => name.startsWith('RUN'))?.parentSpanId).toBe(caller)
  })

  it('is held up neither by one that does not answer nor by one that is away', limits, async (context) => {
    const silent = await startCollector({ isSilent: true })
    for (const endpoint of [silent.endpoint, 'http://127.0.0.1:1']) {
      const whole = await startWhole({ host: { traces: { endpoint } } })
      context.onTestFinished(() => whole.close())
      const push = await whole.repository('octo/alone', { '.mayfly.yml': twoSteps })
      await whole.deliver(push)
      expect(await whole.verdict(push.name, 60_000)).toMatchObject({ state: 'passed' })
    }
    expect(silent.calls()).toBeGreaterThan(0)
  })
})
