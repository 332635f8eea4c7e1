import type { BuildJob } from '../../model/build.ts'

/** The way into the machine of a job beside its steps. */
export function VisitNote({ id, visit }: { id: string; visit: NonNullable<BuildJob['visit']> }) {
  return (
    <p>
      Its maintainers may come in while it runs:{' '}
      <code>
        ssh -p {visit.port} {id}@{visit.host}
      </code>{' '}
      or <code>mayfly debug {id}</code>
    </p>
  )
}
