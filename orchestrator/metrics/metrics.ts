import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** Seconds, chosen for machines: a clone is a tenth, an emulated boot a minute. */
const bootBuckets = [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120]
const jobBuckets = [1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600]
const waitBuckets = [0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600]

/** Everything that is counted, in one registry of its own, so that tests and processes do not share numbers. */
export type Metrics = ReturnType<typeof createMetrics>

export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry, prefix: 'mayfly_process_' })
  return {
    registry,
    boot: new Histogram({
      name: 'mayfly_vm_boot_seconds',
      help: 'From the order of a machine to its authenticated login',
      labelNames: ['image', 'accel', 'strategy'],
      buckets: bootBuckets,
      registers,
    }),
    job: new Histogram({
      name: 'mayfly_job_seconds',
      help: 'From a job being claimed to its verdict',
      labelNames: ['verdict', 'failure'],
      buckets: jobBuckets,
      registers,
    }),
    wait: new Histogram({
      name: 'mayfly_job_wait_seconds',
      help: 'From a job being queued to its being claimed',
      labelNames: [],
      buckets: waitBuckets,
      registers,
    }),
    gate: new Histogram({
      name: 'mayfly_vm_gate_seconds',
      help: 'Time at each readiness gate of a machine',
      labelNames: ['gate'],
      buckets: bootBuckets,
      registers,
    }),
    templateFailures: new Counter({
      name: 'mayfly_template_failures_total',
      help: 'Machines whose template did not start, so that it was thrown away and they booted from cold',
      labelNames: ['image'],
      registers,
    }),
    setups: new Counter({
      name: 'mayfly_setups_total',
      help: 'Jobs with a setup: restored from a checkpoint, kept as one, or none where it ran for that job alone',
      labelNames: ['image', 'result'],
      registers,
    }),
    poolTakes: new Counter({
      name: 'mayfly_pool_takes_total',
      help: 'Jobs of images that a pool has machines of: hit where they got one, miss where they did not',
      labelNames: ['image', 'result'],
      registers,
    }),
    deliveries: new Counter({
      name: 'mayfly_webhook_deliveries_total',
      help: 'Webhook calls by forge and by the verdict on them',
      labelNames: ['forge', 'verdict'],
      registers,
    }),
    authFailures: new Counter({
      name: 'mayfly_auth_failures_total',
      help: 'Requests with a token that is wrong, missing or without the scope',
      labelNames: ['reason'],
      registers,
    }),
    limits: new Counter({
      name: 'mayfly_limit_reached_total',
      help: 'How often something was refused or cut off for a limit, by its key in the host file',
      labelNames: ['limit'],
      registers,
    }),
    diskBytes: new Gauge({
      name: 'mayfly_disk_bytes',
      help: 'What a limit on disk bounds, when it was last measured; only where the host file sets it',
      labelNames: ['limit'],
      registers,
    }),
    mirrorsRemoved: new Counter({
      name: 'mayfly_mirrors_removed_total',
      help: 'Mirrors of repositories that were removed to make room, those unused for longest first',
      registers,
    }),
    followers: new Gauge({
      name: 'mayfly_log_followers',
      help: 'Logs and consoles that are followed now',
      registers,
    }),
    retention: new Counter({
      name: 'mayfly_retention_total',
      help: 'Builds whose records were kept, whose artifacts, logs or all were removed, and entries of old deliveries',
      labelNames: ['what'],
      registers,
    }),
    retentionFailures: new Counter({
      name: 'mayfly_retention_failures_total',
      help: 'Builds that a sweep could not do its work on',
      labelNames: ['what'],
      registers,
    }),
    retentionSwept: new Gauge({
      name: 'mayfly_retention_swept_timestamp_seconds',
      help: 'When this process last came to the end of a sweep; 0 for never',
      registers,
    }),
    running: new Gauge({
      name: 'mayfly_jobs_running',
      help: 'Jobs in machines of this process',
      registers,
    }),
  }
}
