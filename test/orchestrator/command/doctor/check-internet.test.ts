import { describe, expect, it, onTestFinished } from 'vitest'
import { resolveHost } from '../../../../config/host/resolve-host.ts'
import { hostSchema } from '../../../../config/host/schema.ts'
import { checkInternet } from '../../../../orchestrator/command/doctor/check-internet.ts'

const hostWith = (network: object) => resolveHost(hostSchema.parse({ network }), undefined)

describe('what doctor says of `network: internet`', () => {
  it('is good where machines can have networks of their own', async () => {
    expect(await checkInternet(hostWith({}))).toMatchObject({ state: 'good', mend: undefined })
  })

  it('names the package where they cannot', async () => {
    const { PATH } = process.env
    onTestFinished(() => {
      process.env.PATH = PATH
    })
    process.env.PATH = '/nonexistent'
    expect(await checkInternet(hostWith({}))).toMatchObject({
      state: 'weak',
      found: 'refused: slirp4netns is not installed',
      mend: 'apt-get install slirp4netns',
    })
  })

  it('warns of a host file that accepts the risk, and takes a refusal as it is', async () => {
    expect(await checkInternet(hostWith({ internet: 'accept-risk' }))).toMatchObject({ state: 'weak' })
    expect(await checkInternet(hostWith({ internet: 'refuse' }))).toMatchObject({ state: 'good' })
  })
})
