import { jsonNestsTooDeep } from './json-nests-too-deep.ts'

export type ParsedBody =
  | { readonly ok: true; readonly body: unknown }
  | { readonly ok: false; readonly status: 400 | 415; readonly reason: string }

/**
 * A webhook's body as a value: JSON, or JSON in the `payload` field of a form where the forge may send that.
 * Never throws; the reason says what was expected.
 */
export function parseBody(options: {
  contentType: string | undefined
  rawBody: Buffer
  forms: boolean
  /** Brackets within brackets. */
  depth: number
}): ParsedBody {
  const { rawBody, forms, depth } = options
  const type = mediaType(options.contentType)
  const isForm = forms && type === formType
  if (!isForm && type !== 'application/json') {
    const expected = forms ? `application/json or ${formType}` : 'application/json'
    return { ok: false, status: 415, reason: `expected the content type ${expected}, got ${type || 'none'}` }
  }
  const json = isForm ? formPayload(rawBody) : rawBody
  if (json === undefined) return { ok: false, status: 400, reason: 'expected a form with a field "payload"' }
  if (jsonNestsTooDeep(json, depth))
    return { ok: false, status: 400, reason: `expected JSON nested at most ${depth} deep` }
  try {
    return { ok: true, body: JSON.parse(json.toString('utf8')) }
  } catch {
    return { ok: false, status: 400, reason: 'expected JSON, got something else' }
  }
}

/** The `payload` field of a form; undefined where there is none. */
export function formPayload(rawBody: Buffer): Buffer | undefined {
  const payload = new URLSearchParams(rawBody.toString('utf8')).get('payload')
  return payload === null ? undefined : Buffer.from(payload)
}

/** Whether the headers announce a form. */
export function isFormType(contentType: string | undefined): boolean {
  return mediaType(contentType) === formType
}

const formType = 'application/x-www-form-urlencoded'

function mediaType(contentType: string | undefined): string {
  return (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}
