import { z } from 'zod'
import { repositoryDefaults } from '../../config/defaults.ts'
import {
  apiUrl,
  branchName,
  cloneUrl,
  cron,
  networkOfRepository,
  notifyOn,
  notifyUrl,
  repositoryCount,
  repositoryName,
  repositoryWeight,
} from '../../config/host/repository-entry-schema.ts'
import { imageName } from '../../config/schema/image-name.ts'
import { mapping } from '../../config/schema/mapping.ts'
import { relativePath } from '../../config/schema/relative-path.ts'
import { forgeNames } from '../model/forge-name.ts'

const yesOrNo = () => z.boolean({ error: 'expected true or false' })

const changeable = {
  cloneUrl: cloneUrl(),
  apiUrl: apiUrl().optional(),
  pipelineFile: relativePath().optional(),
  images: z.array(imageName(), { error: 'expected a list of names of images' }).optional(),
  network: networkOfRepository.optional(),
  limits: mapping({
    running: repositoryCount().optional(),
    weight: repositoryWeight().optional(),
    queued: repositoryCount().optional(),
    matrix: repositoryCount().optional(),
  }).optional(),
  defaultBranch: branchName().optional(),
  submodules: yesOrNo().optional(),
  lfs: yesOrNo().optional(),
  schedules: z
    .array(mapping({ cron: cron(), branch: branchName() }), { error: 'expected a list of schedules' })
    .optional(),
  notify: z
    .array(mapping({ url: notifyUrl(), on: notifyOn().prefault([...repositoryDefaults.notifyOn]) }), {
      error: 'expected a list of URLs to notify',
    })
    .optional(),
}

const secret = () => z.string({ error: 'expected text, found something else' }).optional()

/** What `Repositories.add` takes, as a body of the HTTP API is held against it. */
export const registrationSchema = mapping({
  forge: z.enum(forgeNames, { error: `expected one of ${forgeNames.join(', ')}` }),
  name: repositoryName(),
  ...changeable,
  secrets: mapping({
    webhook: secret(),
    token: secret(),
    clone: secret(),
    notification: secret(),
  }).optional(),
})

/** What `Repositories.change` takes. */
export const registrationChangeSchema = mapping({ ...changeable, cloneUrl: cloneUrl().optional() })
