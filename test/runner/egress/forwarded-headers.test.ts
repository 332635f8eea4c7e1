import { describe, expect, it } from 'vitest'
import { forwardedHeaders, withHost } from '../../../runner/egress/forwarded-headers.ts'

describe('forwardedHeaders', () => {
  it('leaves behind what concerns one connection and what its Connection header names', () => {
    const headers = [
      'Proxy-Authorization',
      'Basic x',
      'Connection',
      'close, X-Mine',
      'x-mine',
      '1',
      'Keep-Alive',
      '5',
      'TE',
      'trailers',
      'Upgrade',
      'h2c',
      'Accept',
      '*/*',
    ]
    expect(forwardedHeaders(headers)).toEqual(['Accept', '*/*'])
  })

  it('keeps order, spelling and repetitions of the others', () => {
    const headers = ['Set-Cookie', 'a=1', 'x-B', '2', 'Set-Cookie', 'c=3']
    expect(forwardedHeaders(headers)).toEqual(headers)
  })

  it('does not let a Connection header take the length away', () => {
    const headers = ['Connection', 'content-length, host', 'Content-Length', '5']
    expect(forwardedHeaders(headers)).toEqual(['Content-Length', '5'])
  })
})

describe('withHost', () => {
  it('sets the one Host that the URL names', () => {
    expect(withHost(['A', '1', 'host', 'evil', 'Host', 'worse'], 'example.org')).toEqual([
      'Host',
      'example.org',
      'A',
      '1',
    ])
  })
})
