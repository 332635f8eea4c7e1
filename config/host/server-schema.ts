import { isIP } from 'node:net'
import { z } from 'zod'
import { formed, text } from '../schema/text.ts'

/** Nothing of what was found is repeated: the URL may hold a password. */
export const redisUrl = () =>
  text('the URL of a Redis server')
    .refine((value) => /^(?:rediss?|rediss?\+sentinel|unix):\/\/\S+$/.test(value), {
      error:
        'expected a URL such as rediss://user:password@redis.example:6379/0, redis+sentinel://a:26379,b:26379/name or unix:///path, found something else',
    })
    .meta({ title: 'URL' })

/** `host:port`; an IPv6 address in brackets. Port 0 takes any free one. */
export const listenAddress = () =>
  formed(/^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):\d{1,5}$/, 'an address and a port, such as 127.0.0.1:8470')
    .refine((value) => !(Number(/\d+$/.exec(value)?.[0]) > 65_535), { error: 'expected a port up to 65535' })
    .meta({ title: 'address:port' })

export const publicUrl = () =>
  z
    .url({ protocol: /^https?$/, error: 'expected a URL that starts with https:// or http://' })
    .refine((value) => new URL(value).search === '' && new URL(value).hash === '', {
      error: 'expected a URL without query and fragment',
    })
    .meta({ title: 'URL' })

const proxy = z
  .string({ error: 'expected an IP address or network' })
  .refine(isAddressOrNetwork, { error: 'expected an IP address or a network such as 10.0.0.0/8' })
  .meta({ title: 'addresses' })

export const trustedProxies = () => z.array(proxy, { error: 'expected a list of IP addresses' })

function isAddressOrNetwork(value: string): boolean {
  const [address = '', prefix, more] = value.split('/')
  const version = isIP(address)
  const bits = version === 4 ? 32 : 128
  const fits = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits)
  return version !== 0 && fits && more === undefined
}
