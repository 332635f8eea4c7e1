import { describe, expect, it } from 'vitest'
import { spanId, traceOfBuild } from '../../../orchestrator/traces/trace-of-build.ts'

const own = { id: '01k0000000000000000000000a' }
const calledWith = (traceparent: string) => traceOfBuild(own, { headers: { traceparent } })

describe('traceOfBuild', () => {
  it('gives the same trace each time, and another build another', () => {
    const place = traceOfBuild(own)
    expect(place).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{32}$/),
      build: expect.stringMatching(/^[0-9a-f]{16}$/),
      parent: undefined,
    })
    expect(traceOfBuild(own)).toEqual(place)
    expect(traceOfBuild({ id: '01k0000000000000000000000b' }).id).not.toBe(place.id)
    expect(spanId('one')).not.toBe(spanId('two'))
  })

  it('goes on with the trace of the webhook call, where that names one as W3C has it', () => {
    const [trace, caller] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7']
    expect(calledWith(`00-${trace}-${caller}-01`)).toMatchObject({ id: trace, parent: caller })
    for (const wrong of [
      `00-${'0'.repeat(32)}-${caller}-01`,
      `00-${trace}-${'0'.repeat(16)}-01`,
      `00-${trace.toUpperCase()}-${caller}-01`,
      `00-${trace}-${caller}`,
      'something else',
    ])
      expect(calledWith(wrong)).toEqual(traceOfBuild(own))
  })
})
