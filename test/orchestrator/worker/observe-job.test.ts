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

  it('count verdicts, and no job as running that has one', async () => {
    const text = await metricsOf({}, {})
    expect(text).toContain('mayfly_job_seconds_count{verdict="passed",failure=""} 2\n')
    expect(text).toContain('mayfly_jobs_running 0\n')
  })
})
