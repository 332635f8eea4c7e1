import { describe, expect, it } from 'vitest'
import { createMetrics } from '../../../orchestrator/metrics/metrics.ts'
import type { BuildJob } from '../../../orchestrator/model/build.ts'
import { observeJob } from '../../../orchestrator/worker/observe-job.ts'
import type { MachineFacts } from '../../../runner/machine/machine.ts'
import { createFakeMachine } from '../../fake-machine.ts'

/** The metrics after jobs on machines of these facts, as Prometheus reads them. */
async function metricsOf(...machines: Partial<MachineFacts>[]): Promise<string> {
  const metrics = createMetrics()
  for (const facts of machines) {
    const observe = observeJob({ metrics, job: { queued: new Date().toISOString() } as BuildJob })
    const machine = createFakeMachine({ id: 'm-1', facts })
    observe({ type: 'machine', at: 1, facts: machine.facts })
    observe({
      type: 'verdict',
      at: 2000,
      verdict: 'passed',
      failure: undefined,
      reason: undefined,
      hint: undefined,
      evidence: [],
    })
  }
  return await metrics.registry.metrics()
}

describe('the metrics of a job', () => {
  it('count the starts of machines by their way, and the templates that did not start', async () => {
    const text = await metricsOf(
      { image: 'one', strategy: 'template' },
      { image: 'one', strategy: 'cold', templateFailed: true },
      { image: 'one', strategy: 'pool' },
    )
    for (const strategy of ['template', 'cold', 'pool']) {
      expect(text).toMatch(
        new RegExp(`^mayfly_vm_boot_seconds_count\\{.*strategy="${strategy}".*\\} 1$`, 'm'),
      )
    }
    expect(text).toContain('mayfly_template_failures_total{image="one"} 1\n')
  })

  it('count the limits that a job reached: once what it printed too much of, and what its verdict names', async () => {
    const metrics = createMetrics()
    const limits = { logBytes: 10, consoleBytes: 10 }
    const observe = observeJob({ metrics, job: {} as BuildJob, limits })
    const data = Buffer.alloc(6)
    observe({ type: 'console', at: 1, data })
    for (let at = 1; at < 5; at += 1) observe({ type: 'log', at, step: 0, data })
    const hint = 'or raise the limit in the host file: limits.artifact_count'
    const verdict = {
      verdict: 'errored',
      failure: 'collect',
      reason: 'too many',
      hint,
      evidence: [],
    } as const
    observe({ type: 'verdict', at: 9, ...verdict })
    const text = await metrics.registry.metrics()
    const counted = text.split('\n').filter((line) => line.startsWith('mayfly_limit_reached_total{'))
    expect(counted.sort()).toEqual([
      'mayfly_limit_reached_total{limit="limits.artifact_count"} 1',
      'mayfly_limit_reached_total{limit="limits.log_bytes"} 1',
    ])
  })

  it('count verdicts, and no job as running that has one', async () => {
    const text = await metricsOf({}, {})
    expect(text).toContain('mayfly_job_seconds_count{verdict="passed",failure=""} 2\n')
    expect(text).toContain('mayfly_jobs_running 0\n')
  })
})
