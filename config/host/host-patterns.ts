import { z } from 'zod'
import { formed } from '../schema/text.ts'

const hostPattern = () =>
  formed(
    /^(\*\.)?[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*(:[1-9]\d{0,4})?$/,
    'the name of a host such as packages.example.org, *.example.org or example.org:8443, without scheme',
  ).meta({ title: 'hosts' })

/** A list of hosts, as `EgressPolicy` of the runner understands it. */
export const hostPatterns = () => z.array(hostPattern(), { error: 'expected a list of hosts' })

/** What the patterns mean, for descriptions. */
export const patternsInWords =
  '`*.example.org` stands for all below `example.org`, `example.org:8443` for that port of it, which is neither 80 nor 443'
