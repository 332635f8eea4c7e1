import type { Delivery } from '../model/delivery.ts'
import type { Paged } from '../model/store.ts'
import { Action } from './build-page.tsx'
import { Layout } from './layout.tsx'
import { When } from './parts/when.tsx'

/** Webhook calls with the verdict on each: the answer to "why did this not run?". */
export function DeliveriesPage({ page }: { page: Paged<Delivery> }) {
  return (
    <Layout title="Deliveries" live>
      <h1>Deliveries</h1>
      {page.items.length === 0 ? <p>No webhook has called yet.</p> : null}
      <ul class="deliveries">
        {page.items.map((delivery) => (
          <li>
            <a href={`/deliveries/${delivery.id}`}>
              <Verdict verdict={delivery.verdict} /> {delivery.forge} {delivery.event}
            </a>{' '}
            {delivery.repository ?? 'no repository'} <When date={delivery.received} />
            <p class="dim">{delivery.reasons.at(-1) ?? ''}</p>
          </li>
        ))}
      </ul>
      {page.next === undefined ? null : (
        <a href={`/deliveries?cursor=${encodeURIComponent(page.next)}`}>Older</a>
      )}
    </Layout>
  )
}

/** One call: each rule that was looked at, and what came of it. */
export function DeliveryPage({ delivery, mayAct }: { delivery: Delivery; mayAct: boolean }) {
  const { id, forge, event, received, repository, verdict, reasons, builds, headers, size, replayOf } =
    delivery
  return (
    <Layout title={`Delivery ${id}`}>
      <h1>
        <Verdict verdict={verdict} /> {forge} {event}
      </h1>
      <p>
        {repository ?? 'no repository'}, <When date={received} />, {size} bytes
        {replayOf === undefined ? null : (
          <>
            , replay of <a href={`/deliveries/${replayOf}`}>{replayOf}</a>
          </>
        )}
      </p>
      <h2>Why</h2>
      <ol>
        {reasons.map((reason) => (
          <li>{reason}</li>
        ))}
      </ol>
      {builds.length === 0 ? <p>It started no build.</p> : null}
      <ul>
        {builds.map((build) => (
          <li>
            <a href={`/builds/${build}`}>Build {build}</a>
          </li>
        ))}
      </ul>
      {mayAct ? <Action path={`/deliveries/${id}/replay`} name="Replay" /> : null}
      <h2>Headers</h2>
      <dl class="headers">
        {Object.entries(headers).map(([name, value]) => (
          <>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </>
        ))}
      </dl>
    </Layout>
  )
}

const likeStates: Readonly<Record<Delivery['verdict'], string>> = {
  accepted: 'running',
  built: 'passed',
  ignored: 'skipped',
  duplicate: 'skipped',
  refused: 'failed',
  failed: 'errored',
}

function Verdict({ verdict }: { verdict: Delivery['verdict'] }) {
  return <span class={`state state-${likeStates[verdict]}`}>{verdict}</span>
}
