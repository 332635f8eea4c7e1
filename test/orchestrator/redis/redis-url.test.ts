import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import { parseRedisUrl, withoutPassword } from '../../../orchestrator/redis/redis-url.ts'

describe('parseRedisUrl', () => {
  it('reads host, port, login and database', () => {
    expect(parseRedisUrl('redis://localhost')).toEqual({ host: 'localhost', port: 6379 })
    expect(parseRedisUrl('redis://ann:s%40fe%2F@10.0.0.1:7000/3')).toEqual({
      host: '10.0.0.1',
      port: 7000,
      username: 'ann',
      password: 's@fe/',
      db: 3,
    })
    expect(parseRedisUrl('redis://:secret@[::1]:7000/')).toEqual({
      host: '::1',
      port: 7000,
      password: 'secret',
    })
  })

  it('reads the path of a socket', () => {
    expect(parseRedisUrl('unix:///run/redis/redis.sock')).toEqual({ path: '/run/redis/redis.sock' })
    expect(parseRedisUrl('unix://:pw@/run/r%20s.sock?db=2')).toEqual({
      path: '/run/r s.sock',
      password: 'pw',
      db: 2,
    })
    expect(() => parseRedisUrl('unix://host')).toThrow(ConfigError)
  })

  it('turns TLS on for rediss', () => {
    expect(parseRedisUrl('rediss://:pw@redis.example.org:6380')).toEqual({
      host: 'redis.example.org',
      port: 6380,
      password: 'pw',
      tls: {},
    })
  })

  it('reads sentinels, the name of their master, and the passwords of both', () => {
    expect(parseRedisUrl('redis+sentinel://host1,host2:26380/mymaster')).toEqual({
      sentinels: [
        { host: 'host1', port: 26379 },
        { host: 'host2', port: 26380 },
      ],
      name: 'mymaster',
    })
    expect(parseRedisUrl('rediss+sentinel://u:p@a,[::2]/m/1?sentinelPassword=q')).toEqual({
      sentinels: [
        { host: 'a', port: 26379 },
        { host: '::2', port: 26379 },
      ],
      name: 'm',
      db: 1,
      username: 'u',
      password: 'p',
      sentinelPassword: 'q',
      tls: {},
      sentinelTLS: {},
      enableTLSForSentinelMode: true,
    })
  })

  it.each([
    'localhost:6379',
    'http://localhost',
    'redis://',
    'redis://a,b',
    'redis://a:0',
    'redis://a:99999',
    'redis://a/b',
    'redis://justauser@a',
    'redis://u:%zz@a',
    'redis+sentinel://a,b',
    'redis+sentinel://a,,b/name',
  ])('refuses %s and says what it takes', (url) => {
    expect(() => parseRedisUrl(url)).toThrow(ConfigError)
    expect(() => parseRedisUrl(url)).toThrow(/^redis: expected .*, got /)
  })

  it('never throws anything else, and shows no password', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true }), fc.string(), (tail, text) => {
        for (const url of [text, `redis://${text}`, tail.replace(/^https?/, 'redis+sentinel')]) {
          try {
            parseRedisUrl(url)
          } catch (error) {
            expect(error).toBeInstanceOf(ConfigError)
          }
        }
      }),
    )
    const url = 'rediss://ann:hunter2@host:6380/0?sentinelPassword=hunter3'
    expect(withoutPassword(url)).toBe('rediss://***@host:6380/0')
    expect(() => parseRedisUrl('redis://ann:hunter2@host/no-number')).toThrow(/^(?!.*hunter2).*$/)
  })
})
