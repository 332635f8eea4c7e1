import { expect, it } from 'vitest'
import { checkImage } from '../../../../orchestrator/command/repro/check-image.ts'

const digest = (of: string) => `sha256:${of.repeat(64)}`

it('refuses an image that is another than that of the past job, with both and the way out', () => {
  const image = { name: 'debian-12', digest: digest('a') }
  expect(() => checkImage(image, digest('b'))).toThrow(
    'expected image debian-12 as the job had it, sha256:aaaaaaaaaaaa, found sha256:bbbbbbbbbbbb here',
  )
  expect(() => checkImage(image, digest('b'))).toThrow(
    expect.objectContaining({ hint: expect.stringContaining('--any-image') }),
  )
})

it('takes the same image, and any where the past job had none', () => {
  expect(() => checkImage({ name: 'debian-12', digest: digest('a') }, digest('a'))).not.toThrow()
  expect(() => checkImage(undefined, digest('a'))).not.toThrow()
})
