import { z } from 'zod'
import { hostDefaults } from '../defaults.ts'
import { choice, meaningsOf } from '../schema/choice.ts'
import { mapping } from '../schema/mapping.ts'
import { text } from '../schema/text.ts'
import { path } from './path-schema.ts'

const encryptions = {
  AES256: "encrypt objects with the storage's own keys",
  'aws:kms': 'encrypt them with the key that `kms_key` names, or the default one of the account',
}

/** A folder of this host, or a bucket. */
export const archivePlace = () =>
  path()
    .refine((value) => !value.startsWith('s3:') || readBucket(value) !== undefined, {
      error: 'expected s3://BUCKET or s3://BUCKET/PREFIX, with a bucket of small letters, digits, - and .',
    })
    .meta({ title: 'path or s3://BUCKET/PREFIX', examples: ['/srv/mayfly', 's3://ci-archive/mayfly'] })

/** Undefined for a path of this host. */
export function readBucket(written: string): { name: string; prefix: string } | undefined {
  const [, name, prefix = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(written) ?? []
  return name === undefined ? undefined : { name, prefix: prefix.replace(/^\/+|\/+$/g, '') }
}

const endpoint = () =>
  z
    .url({ protocol: /^https?$/, error: 'expected a URL that starts with https:// or http://' })
    .refine((value) => new URL(value).username === '' && new URL(value).password === '', {
      error:
        'expected a URL without user and password, found some in it: the key stands in the environment or in a file',
    })
    .meta({ title: 'URL' })

export const hostS3 = mapping(
  {
    endpoint: endpoint().optional().meta({
      description: 'Where the storage is, such as `https://s3.example`. Without it: Amazon S3 in `region`.',
    }),
    region: text('the name of a region').prefault(hostDefaults.s3.region).meta({
      description: 'Name of the region; what other storages than Amazon want is mostly the default.',
    }),
    path_style: z.boolean({ error: 'expected true or false' }).optional().meta({
      description:
        'Whether the bucket stands in the path of a URL and not in its host name. Without it: true where there is an `endpoint`.',
    }),
    encryption: choice(encryptions)
      .optional()
      .meta({
        description: `Server-side encryption to ask for. ${meaningsOf(encryptions)}. Without it: as the bucket is set up.`,
      }),
    kms_key: text('the id of a key').optional().meta({ description: 'Key for `encryption: aws:kms`.' }),
    credentials: path().optional().meta({
      description:
        "File with `aws_access_key_id` and `aws_secret_access_key` below `[default]`, as AWS's programs have it. Without it: `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` of the environment.",
    }),
  },
  {
    misplaced: {
      access_key: 'a key is never in the host file: put it into a file and name that as `credentials`',
      secret_key: 'a key is never in the host file: put it into a file and name that as `credentials`',
      aws_access_key_id: 'a key is never in the host file: put it into a file and name that as `credentials`',
      aws_secret_access_key:
        'a key is never in the host file: put it into a file and name that as `credentials`',
    },
  },
).meta({ id: 's3', description: 'How the bucket that `archive` names is reached.' })
