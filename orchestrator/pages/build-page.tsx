import { type Build, type BuildJob, isEnded } from '../model/build.ts'
import { Layout } from './layout.tsx'
import { JobGraph } from './parts/job-graph.tsx'
import { StateMark } from './parts/state-mark.tsx'
import { Took, When } from './parts/when.tsx'

type BuildPage = { build: Build; jobs: readonly BuildJob[]; mayAct: boolean; now: Date }

/** One build: what started it, how it stands, its jobs. */
export function BuildPage({ build, jobs, mayAct, now }: BuildPage) {
  const { id, repository, trigger, state, created, started, ended, problem, approval, delivery } = build
  return (
    <Layout title={`Build ${id}`} live={!isEnded(state)}>
      <h1>
        <StateMark state={state} /> {trigger.title || `Build of ${trigger.sha.slice(0, 12)}`}
      </h1>
      {problem === undefined ? null : <pre class="problem">{problem}</pre>}
      <dl>
        <dt>Repository</dt>
        <dd>
          <a href={`/?repository=${encodeURIComponent(repository)}`}>{repository}</a>
        </dd>
        <dt>Commit</dt>
        <dd>
          <code>{trigger.sha}</code> on {trigger.branch ?? trigger.tag ?? trigger.ref}
          {trigger.author === '' ? null : ` by ${trigger.author}`}
        </dd>
        <dt>Started by</dt>
        <dd>
          {trigger.event} of {trigger.actor || 'nobody known'}
          {trigger.pullRequest === undefined ? null : (
            <>
              , pull request {trigger.pullRequest.number}
              {trigger.pullRequest.fork ? ' from a fork' : ''}
            </>
          )}
          {delivery === undefined ? null : (
            <>
              {' '}
              (<a href={`/deliveries/${delivery}`}>delivery</a>)
            </>
          )}
        </dd>
        <dt>Created</dt>
        <dd>
          <When date={created} />
        </dd>
        <dt>Took</dt>
        <dd>
          <Took from={started} to={ended} now={now} />
        </dd>
        {approval === undefined ? null : (
          <>
            <dt>Approved</dt>
            <dd>
              by {approval.by} for <code>{approval.sha.slice(0, 12)}</code>
            </dd>
          </>
        )}
      </dl>
      {mayAct ? <Actions build={build} /> : null}
      <h2>Jobs</h2>
      {jobs.length === 0 ? <p>There are none.</p> : <JobGraph jobs={jobs} />}
    </Layout>
  )
}

function Actions({ build: { id, state } }: { build: Build }) {
  return (
    <div class="actions">
      {state === 'waiting' ? <Action path={`/builds/${id}/approve`} name="Approve this commit" /> : null}
      {isEnded(state) ? (
        <>
          <Action path={`/builds/${id}/retry`} name="Run what failed again" />
          <Action path={`/builds/${id}/retry?which=all`} name="Run all of it again" />
        </>
      ) : (
        <Action path={`/builds/${id}/cancel`} name="Cancel" />
      )}
    </div>
  )
}

export function Action({ path, name }: { path: string; name: string }) {
  return (
    <form method="post" action={path}>
      <button type="submit">{name}</button>
    </form>
  )
}
