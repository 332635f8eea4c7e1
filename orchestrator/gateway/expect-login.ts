import { timingSafeEqual } from 'node:crypto'
import type { Logger } from 'pino'
import ssh2, {
  type AuthContext,
  type AuthenticationType,
  type Connection,
  type PublicKeyAuthContext,
} from 'ssh2'
import { cleanText } from '../../runner/logs/clean-text.ts'
import { aboutJob } from '../logs/about-job.ts'
import type { Authorization, GatewayOptions } from './gateway.ts'
import type { Login } from './open-session.ts'
import { fingerprintOf, type PublicKey, parsePublicKey } from './public-key.ts'
import { readableTime } from './readable-time.ts'
import { sendBanner } from './ssh2/send-banner.ts'

type ExpectLogin = {
  readonly connection: Connection
  /** `address:port` */
  readonly from: string
  readonly authorize: GatewayOptions['authorize']
  /** Takes in somebody whose key was checked, or says why not. Must do so at once. */
  readonly enter: (login: Login) => string | undefined
  readonly audit: GatewayOptions['audit']
  readonly log: Logger
}

type Open = {
  readonly until: Date
  readonly greeting: string
  readonly keys: readonly Usable[]
}

type Usable = Omit<AllowedKey, 'publicKey'> & { readonly key: PublicKey; readonly line: string }
type AllowedKey = Extract<Authorization, { kind: 'open' }>['keys'][number]

/** Keys that a client may show and signatures that it may make; an agent may hold a few that fit nothing. */
const mostTries = 20

// Nobody gets in with keyboard-interactive: OpenSSH's client tries it when it is out of keys, and is told why then.
const methods: AuthenticationType[] = ['publickey', 'keyboard-interactive']

/** Lets in who signs with a key that `authorize` allows for the job that is given as user name, and nobody else. */
export function expectLogin({ connection, from, authorize, enter, audit, log }: ExpectLogin): void {
  const shown = new Set<string>()
  let job = ''
  let tries = 0
  let asking: Promise<Open | string> | undefined
  let end: 'entered' | 'refused' | 'closed' | undefined

  const refuse = (context: AuthContext, why: string) => {
    if (end === undefined) {
      end = 'refused'
      const text = cleanText(why).slice(0, 1000)
      audit({ at: new Date(), from, job, what: 'refused', why: text, fingerprints: [...shown] })
      sendBanner(connection, `Mayfly: ${text}`)
    }
    context.reject(['publickey'])
  }

  const answer = async (context: AuthContext) => {
    asking ??= ask({ job, authorize, log })
    const open = await asking
    if (end !== undefined) return context.reject(['publickey'])
    if (typeof open === 'string') return refuse(context, open)
    if (context.method === 'keyboard-interactive' && shown.size > 0) {
      return refuse(context, `no key of yours may enter job ${job}; you showed ${[...shown].join(', ')}`)
    }
    if (context.method !== 'publickey') return context.reject(methods)
    await answerKey(context, open)
  }

  const answerKey = async (context: PublicKeyAuthContext, { keys, until, greeting }: Open) => {
    const { data } = context.key
    const fingerprint = fingerprintOf(data)
    shown.add(fingerprint)
    const known = keys.find(({ key }) => key.blob.length === data.length && timingSafeEqual(key.blob, data))
    if (known === undefined) return context.reject(methods)
    if (known.key.type === 'ssh-rsa' && context.hashAlgo === undefined) {
      return refuse(context, 'your client signs with SHA-1, which anybody could forge: take a newer one')
    }
    // Asked whether the key would do, not proven to have it: the answer is not a login.
    if (context.signature === undefined) return context.accept()
    if (!isSigned(known.line, context)) return refuse(context, `the signature with ${fingerprint} is wrong`)
    const isSpent = known.spend !== undefined && !(await known.spend())
    if (end !== undefined) return context.reject(['publickey'])
    if (isSpent) return refuse(context, 'that key was good for one login, which is over or came too late')
    const { who, use = 'shell' } = known
    const why = enter({ ...{ job, who, fingerprint, from, until, greeting, use } })
    if (why !== undefined) return refuse(context, why)
    end = 'entered'
    context.accept()
  }

  connection.on('authentication', (context) => {
    tries += 1
    if (tries > mostTries) return void connection.end()
    job = context.username.slice(0, 200)
    answer(context).catch((error: unknown) => {
      aboutJob(log, { id: job }).error({ err: error }, 'a login could not be answered')
      connection.end()
    })
  })
  connection.once('close', () => {
    if (end === undefined && shown.size > 0) {
      const why = 'no key of the client may enter'
      audit({ at: new Date(), from, job, what: 'refused', why, fingerprints: [...shown] })
    }
    end ??= 'closed'
  })
}

type Ask = { job: string } & Pick<ExpectLogin, 'authorize' | 'log'>

/** Who may enter, or why nobody may. */
async function ask({ job, authorize, log }: Ask): Promise<Open | string> {
  if (!/^[\w.:@/-]{1,128}$/.test(job)) return "expected a job's id as user name: ssh -p PORT JOB@HOST"
  let answer: Authorization
  try {
    answer = await authorize(job)
  } catch (error) {
    aboutJob(log, { id: job }).error({ err: error }, 'who may enter a job could not be found out')
    return `who may enter job ${job} could not be found out: try again`
  }
  if (answer.kind === 'refused') return answer.why
  const { until, greeting = '', keys } = answer
  if (until.getTime() <= Date.now()) return `the time of job ${job} was over at ${readableTime(until)}`
  return { until, greeting, keys: keys.flatMap((entry) => usableKey(entry, log)) }
}

function usableKey({ publicKey: line, ...allowed }: AllowedKey, log: Logger): Usable[] {
  const { who } = allowed
  try {
    return [{ ...allowed, line, key: parsePublicKey(line) }]
  } catch (error) {
    log.warn({ who, err: error }, 'a key that may enter is of no use')
    return []
  }
}

/** The key that is checked with is the one on record, not the client's copy. */
function isSigned(line: string, { signature, blob, hashAlgo }: PublicKeyAuthContext): boolean {
  const key = ssh2.utils.parseKey(line)
  if (key instanceof Error || signature === undefined || blob === undefined) return false
  // It gives an error, and does not throw it, for what is no signature at all.
  return key.verify(blob, signature, hashAlgo) === true
}
