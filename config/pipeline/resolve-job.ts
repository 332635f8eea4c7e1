import { bounds, jobDefaults } from '../defaults.ts'
import { parseDuration } from '../duration.ts'
import { presentSizes } from '../schema/present-sizes.ts'
import type { Job, Step, When } from './pipeline.ts'
import { resolveNetworks } from './resolve-networks.ts'
import type { JobBody, SharedBody } from './schema.ts'

/**
 * A job with everything filled in: from itself, then from what stands beside `jobs`, then from the defaults.
 * `env` and `resources` are merged key by key; everything else is taken as a whole.
 */
export const resolveJob = ({
  name,
  body,
  shared,
}: {
  name: string
  body: JobBody
  shared: SharedBody
}): Job => {
  const merged = { ...shared, ...body }
  const shell = merged.shell ?? jobDefaults.shell
  const networks = resolveNetworks(merged)
  return {
    name,
    image: merged.image,
    resources: presentSizes({ ...shared.resources, ...body.resources }),
    ...(merged.runs_on === undefined ? {} : { runsOn: merged.runs_on }),
    env: { ...shared.env, ...body.env },
    setup: merged.setup ?? [],
    setupFiles: merged.setup_files ?? [],
    setupMaxAge: merged.setup_max_age ?? parseDuration(jobDefaults.setupMaxAge),
    steps: body.steps.map((step, index) => ({
      ...resolveStep(step, shell),
      ...(networks.offline[index] ? { offline: true } : {}),
    })),
    artifacts: (merged.artifacts ?? []).map(resolveArtifact),
    network: networks.machine,
    ...(networks.offlineSetup ? { offlineSetup: true } : {}),
    timeout: merged.timeout ?? parseDuration(jobDefaults.timeout),
    shell,
    debug: resolveDebug(merged.debug),
    userData: merged.user_data,
    needs: [...new Set(body.needs)],
    matrix: body.matrix,
    when: resolveWhen(merged.when),
    concurrency: body.concurrency && {
      group: body.concurrency.group,
      cancel: body.concurrency.cancel ?? jobDefaults.concurrencyCancel,
    },
    retry: { max: merged.retry?.max ?? jobDefaults.retry.max, on: merged.retry?.on ?? jobDefaults.retry.on },
    priority: merged.priority ?? jobDefaults.priority,
    secrets: [...new Set(merged.secrets)],
  }
}

const resolveStep = (step: JobBody['steps'][number], shell: string): Step => {
  if (typeof step === 'string') {
    return { name: nameOf(step), run: step, timeout: undefined, shell, env: {} }
  }
  return {
    name: step.name ?? nameOf(step.run),
    run: step.run,
    timeout: step.timeout,
    shell: step.shell ?? shell,
    env: step.env ?? {},
  }
}

/** The first line that says something, fit for a terminal. */
const nameOf = (script: string): string => {
  const first = script.split('\n').find((line) => line.trim() !== '') ?? ''
  const printable = first.replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ').trim()
  const letters = [...printable]
  return letters.length <= bounds.stepName ? printable : `${letters.slice(0, bounds.stepName - 1).join('')}…`
}

const resolveArtifact = (artifact: NonNullable<SharedBody['artifacts']>[number]): Job['artifacts'][number] =>
  typeof artifact === 'string'
    ? { path: artifact, when: jobDefaults.artifactWhen }
    : { path: artifact.path, when: artifact.when ?? jobDefaults.artifactWhen }

const resolveDebug = (debug: SharedBody['debug']): Job['debug'] => ({
  on: debug === undefined ? 'never' : (debug.on ?? jobDefaults.debug.on),
  how: debug?.how ?? jobDefaults.debug.how,
  hold: debug?.hold ?? parseDuration(jobDefaults.debug.hold),
})

const resolveWhen = (when: SharedBody['when']): When => ({
  event: when?.event,
  branch: when?.branch,
  tag: when?.tag,
  paths: when?.paths,
})
