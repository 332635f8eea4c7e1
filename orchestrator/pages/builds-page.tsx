import type { Build, BuildState } from '../model/build.ts'
import { endStates } from '../model/build.ts'
import type { BuildFilter, Paged } from '../model/store.ts'
import { Layout } from './layout.tsx'
import { StateMark } from './parts/state-mark.tsx'
import { Took, When } from './parts/when.tsx'

type BuildsPage = { page: Paged<Build>; filter: BuildFilter; repositories: readonly string[]; now: Date }

const states: readonly BuildState[] = ['waiting', 'queued', 'running', ...endStates]

/** Every build, the newest first, by repository, branch and state. */
export function BuildsPage({ page, filter, repositories, now }: BuildsPage) {
  return (
    <Layout title="Builds" live>
      <h1>Builds</h1>
      <form class="filters" method="get" action="/">
        <label>
          Repository
          <select name="repository">
            <option value="">all</option>
            {repositories.map((key) => (
              <option value={key} selected={key === filter.repository}>
                {key}
              </option>
            ))}
          </select>
        </label>
        <label>
          Branch
          <input name="branch" value={filter.branch ?? ''} />
        </label>
        <label>
          State
          <select name="state">
            <option value="">any</option>
            {states.map((state) => (
              <option value={state} selected={state === filter.state}>
                {state}
              </option>
            ))}
          </select>
        </label>
        <button type="submit">Show</button>
      </form>
      {page.items.length === 0 ? (
        <p>No builds yet that fit.</p>
      ) : (
        <BuildTable builds={page.items} now={now} />
      )}
      {page.next === undefined ? null : <a href={`/?${query(filter, page.next)}`}>Older builds</a>}
    </Layout>
  )
}

function BuildTable({ builds, now }: { builds: readonly Build[]; now: Date }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">State</th>
          <th scope="col">Build</th>
          <th scope="col">Repository</th>
          <th scope="col">Where</th>
          <th scope="col">Created</th>
          <th scope="col">Took</th>
        </tr>
      </thead>
      <tbody>
        {builds.map(({ id, state, repository, trigger, created, started, ended }) => (
          <tr>
            <td>
              <StateMark state={state} />
            </td>
            <td>
              <a href={`/builds/${id}`}>{trigger.title || trigger.sha.slice(0, 12)}</a>
            </td>
            <td>{repository}</td>
            <td>
              {trigger.branch ?? trigger.tag ?? trigger.ref} <code>{trigger.sha.slice(0, 8)}</code>
            </td>
            <td>
              <When date={created} />
            </td>
            <td>
              <Took from={started} to={ended} now={now} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function query(filter: BuildFilter, cursor: string): string {
  return new URLSearchParams({ ...(filter as Record<string, string>), cursor }).toString()
}
