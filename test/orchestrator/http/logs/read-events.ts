export type ReadEvent = { readonly name: string; readonly id: string | undefined; readonly data: EventData }

type EventData = { readonly text?: string; readonly offset?: number; readonly state?: string }

/** Server-sent events of an answer as they come; ending the loop closes the connection. */
export async function* readEvents(answer: Response): AsyncGenerator<ReadEvent> {
  const reader = (answer.body ?? new ReadableStream()).getReader()
  const decoder = new TextDecoder()
  let text = ''
  try {
    for (let { value, done } = await reader.read(); !done; { value, done } = await reader.read()) {
      text += decoder.decode(value as Uint8Array, { stream: true })
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        yield readEvent(text.slice(0, end))
        text = text.slice(end + 2)
      }
    }
  } finally {
    await reader.cancel()
  }
}

/** All events up to the end of the answer. */
export async function allEvents(answer: Response): Promise<ReadEvent[]> {
  const events: ReadEvent[] = []
  for await (const event of readEvents(answer)) events.push(event)
  return events
}

function readEvent(block: string): ReadEvent {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1]
  return { name: field('event') ?? '', id: field('id'), data: JSON.parse(field('data') ?? '{}') as EventData }
}
