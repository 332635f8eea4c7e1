import { formatDuration } from '../../../config/duration.ts'
import { formatSize } from '../../../config/size.ts'
import type { ResourceUse } from '../../../runner/job/resource-use.ts'
import { StateMark } from '../parts/state-mark.tsx'
import type { JobTimeline } from '../read-timeline.ts'

type StepTable = { readonly id: string; readonly timeline: JobTimeline }

/** The steps of a job: how each ended, how long it took, and what of the host. */
export function StepTable({ id, timeline: { steps, use, end } }: StepTable) {
  if (steps.length === 0) return null
  const network = use?.netReceived !== undefined
  return (
    <>
      <h2 id="steps">Steps</h2>
      <section class="wide" tabindex={0} aria-labelledby="steps">
        <table class="steps">
          <thead>
            <tr>
              <th scope="col">Step</th>
              <th scope="col">Took</th>
              {use === undefined ? null : <UseHeads network={network} />}
            </tr>
          </thead>
          <tbody>
            {steps.map((step) => (
              <tr>
                <th scope="row">
                  <StateMark state={step.status} />{' '}
                  {step.status === 'skipped' ? (
                    step.name
                  ) : (
                    <a href={`/jobs/${id}?offset=${step.start}#log`}>{step.name}</a>
                  )}
                  {step.exitCode === undefined || step.exitCode === 0 ? null : (
                    <span class="dim">, exit code {step.exitCode}</span>
                  )}
                </th>
                <td>
                  {step.status === 'running' || step.status === 'skipped' ? '' : formatDuration(step.ms)}
                </td>
                {use === undefined ? null : <UseCells use={step.use} network={network} />}
              </tr>
            ))}
          </tbody>
          {use === undefined ? null : (
            <tfoot>
              <tr>
                <th scope="row">The whole job</th>
                <td>{formatDuration(end)}</td>
                <UseCells use={use} network={network} />
              </tr>
            </tfoot>
          )}
        </table>
      </section>
    </>
  )
}

function UseHeads({ network }: { network: boolean }) {
  return (
    <>
      <th scope="col">CPU time</th>
      <th scope="col">Memory, at most</th>
      <th scope="col">Disk read</th>
      <th scope="col">Disk written</th>
      {network ? (
        <>
          <th scope="col">Network in</th>
          <th scope="col">Network out</th>
        </>
      ) : null}
    </>
  )
}

function UseCells({ use, network }: { use: ResourceUse | undefined; network: boolean }) {
  const size = (bytes: number | undefined) => <td>{bytes === undefined ? '' : formatSize(bytes)}</td>
  return (
    <>
      <td>{use === undefined ? '' : formatDuration(use.cpuMs)}</td>
      {size(use?.memory)}
      {size(use?.diskRead)}
      {size(use?.diskWritten)}
      {network ? (
        <>
          {size(use?.netReceived)}
          {size(use?.netSent)}
        </>
      ) : null}
    </>
  )
}
