import { z } from 'zod'
import { bounds, hostDefaults, jobDefaults } from '../defaults.ts'
import { choice, meaningsOf } from '../schema/choice.ts'
import { duration } from '../schema/duration-schema.ts'
import { imageName } from '../schema/image-name.ts'
import { label } from '../schema/label.ts'
import { mapping } from '../schema/mapping.ts'
import { relativePath } from '../schema/relative-path.ts'
import { cpus, disk, memory } from '../schema/resources-schema.ts'
import { size } from '../schema/size-schema.ts'
import { formed } from '../schema/text.ts'
import { archivePlace, hostS3 } from './bucket-schema.ts'
import { hostCheckpoints } from './checkpoints-schema.ts'
import { hostDebug } from './debug-schema.ts'
import { hostPatterns, patternsInWords } from './host-patterns.ts'
import { imageEntry } from './image-entry-schema.ts'
import { path } from './path-schema.ts'
import { poolEntry } from './pool-schema.ts'
import { hostPressure } from './pressure-schema.ts'
import { repositoryEntry } from './repository-entry-schema.ts'
import { hostRetention } from './retention-schema.ts'
import { listenAddress, publicUrl, redisUrl, trustedProxies } from './server-schema.ts'
import { hostTemplates } from './templates-schema.ts'
import { hostTraces } from './traces-schema.ts'

const { resources, network, limits, stop, boot } = hostDefaults

const hostResources = mapping({
  cpus: cpus().prefault(resources.cpus).meta({ description: 'Virtual processors.' }),
  memory: memory().prefault(resources.memory).meta({ description: 'Memory of the machine.' }),
  disk: disk().prefault(resources.disk).meta({ description: 'Size of the root disk.' }),
}).meta({
  id: 'default-resources',
  description: 'What a machine has where neither its job nor its image says so.',
})

const internets = {
  isolate:
    'run the machine in a network of its own, from which it reaches public addresses only; where this host cannot, end the job with the reason',
  refuse: 'end the job with the reason',
  'accept-risk': "let it out, although it can then reach this host's own addresses and its network",
}

const hostNetwork = mapping({
  internet: choice(internets)
    .prefault(network.internet)
    .meta({
      description: `What to do with a job that asks for \`network: internet\`. ${meaningsOf(internets)}.`,
    }),
  allow: hostPatterns()
    .optional()
    .meta({
      description: `Hosts that \`network: web\` reaches; ${patternsInWords}. Without it: every public host.`,
    }),
  deny: hostPatterns()
    .prefault([])
    .meta({ description: 'Hosts that `network: web` never reaches. Stronger than `allow`.' }),
  audit: z.boolean({ error: 'expected true or false' }).prefault(network.audit).meta({
    description: 'Let everything public pass and note what `allow` would refuse, to learn the list.',
  }),
}).meta({
  id: 'network',
  description: 'What jobs reach from this host. Private addresses are refused in any case.',
})

const count = () => {
  const error = 'expected a whole number of at least 1'
  return z.int({ error }).min(1, { error })
}

const hostLimits = mapping({
  log_bytes: size({ min: '64KiB' }).prefault(limits.logBytes).meta({ description: "A job's log." }),
  console_bytes: size({ min: '64KiB' })
    .prefault(limits.consoleBytes)
    .meta({ description: "A machine's console." }),
  artifact_bytes: size()
    .prefault(limits.artifactBytes)
    .meta({ description: 'All artifacts of a job together.' }),
  artifact_count: count()
    .prefault(limits.artifactCount)
    .meta({ description: 'Number of artifacts of a job.' }),
  upload_bytes: size().prefault(limits.uploadBytes).meta({ description: 'The files uploaded for a job.' }),
  steps: count().prefault(limits.steps).meta({ description: 'Number of steps of a job.' }),
  image_bytes: size({ min: '64MiB' })
    .prefault(limits.imageBytes)
    .meta({ description: 'Virtual size of an image that is pulled or added.' }),
  repository_bytes: size({ min: '1MiB' })
    .prefault(limits.repositoryBytes)
    .meta({ description: 'The mirror of a repository, and one checkout of it with its submodules.' }),
  build_age: duration().prefault(limits.buildAge).meta({ description: 'How long a job may wait in line.' }),
  connections: count()
    .prefault(limits.connections)
    .meta({ description: 'Connections to the HTTP server at a time.' }),
  followers: count()
    .prefault(limits.followers)
    .meta({ description: 'Logs and consoles that are followed at a time, by all together.' }),
  requests: count()
    .prefault(limits.requests)
    .meta({ description: 'Requests a minute of one token, or of one address without a token.' }),
  archive_bytes: size({ min: '1MiB' }).optional().meta({
    description: "All jobs' logs, artifacts and records on disk. Without it: what the disk has.",
  }),
  shelf_bytes: size({ min: '1MiB' }).optional().meta({
    description: 'All images on disk. Without it: what the disk has.',
  }),
  mirrors_bytes: size({ min: '1MiB' }).optional().meta({
    description: 'All mirrors of repositories on disk. Without it: what the disk has.',
  }),
}).meta({ id: 'limits', description: 'What one job, one image or one caller may take of this host.' })

const hostStop = mapping({
  powerdown: duration()
    .prefault(stop.powerdown)
    .meta({ description: 'Time for the guest to shut itself down, after its power button was pressed.' }),
  term: duration()
    .prefault(stop.term)
    .meta({ description: 'Time for QEMU to end after SIGTERM; then it is killed.' }),
  orphaned: duration().prefault(stop.orphaned).meta({
    description:
      'Time that the machine of a job goes on when the server that ran it is gone, for the next one to take it up.',
  }),
  running: z.enum(['leave', 'put-back']).prefault(stop.running).meta({
    description:
      'What becomes of running jobs when SIGTERM stops the server: `leave` them in their machines for the next server, as a restart of the service needs it, or `put-back` in line after ten seconds, where no machine can outlive the server, as in a container.',
  }),
}).meta({ id: 'stop', description: 'How long machines are waited for before they are ended.' })

const hostBoot = mapping({
  cpu_time: duration().prefault(boot.cpuTime).meta({
    description:
      'CPU time that a machine may use until SSH answers. It does not run on while the host is busy.',
  }),
  quiet: duration()
    .prefault(boot.quiet)
    .meta({ description: 'Time without any sign of progress after which a boot is given up.' }),
}).meta({ id: 'boot', description: 'How long a machine may take until it serves.' })

const accels = {
  auto: 'KVM where a probe shows that it works, else TCG',
  kvm: 'KVM or nothing',
  tcg: 'emulation',
}

const foundOut: readonly string[] = ['kvm', 'x86_64', 'aarch64']

const ownLabel = label().refine((word) => !foundOut.includes(word), {
  error: ({ input }) => `expected a label of your own: whether a host has ${String(input)} is found out`,
})

/** The host file. The JSON Schema and the reference are generated from it. */
export const hostSchema = mapping({
  data: path()
    .optional()
    .meta({
      description: `Folder of everything that Mayfly keeps. \`--data\` and \`MAYFLY_DATA\` come first. Without one: \`${hostDefaults.rootDataFolder}\` for root, the XDG data home (\`~/.local/share/mayfly\`) for others.`,
    }),
  run_dir: path().optional().meta({
    description: 'Folder of sockets, whose paths have to be short. Without one: the runner picks it.',
  }),
  name: formed(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
    'a name of 1 to 63 letters, digits, dots, underscores and dashes',
  )
    .optional()
    .meta({
      description:
        'What this host is called where several share a Redis: for people, and for `mayfly hosts`. Without it: its host name.',
    }),
  labels: z
    .array(ownLabel, { error: 'expected a list of labels' })
    .max(bounds.labels, { error: `expected at most ${bounds.labels} labels` })
    .prefault([])
    .meta({
      description:
        'What this host has that others have not, such as `gpu` or `rack-2`: jobs with `runs_on` go where all their labels are. `x86_64` or `aarch64` is always there, `kvm` where KVM is proven to work.',
    }),
  accel: choice(accels)
    .prefault(hostDefaults.accel)
    .meta({ description: `How machines are accelerated. ${meaningsOf(accels)}.` }),
  default_image: imageName()
    .prefault(hostDefaults.image)
    .meta({ description: 'The image of jobs that name none.' }),
  pipeline_file: relativePath()
    .prefault(jobDefaults.file)
    .meta({ description: 'Name of the pipeline file in the root of a repository.' }),
  resources: hostResources.prefault({}).meta({ description: 'What a machine has by default.' }),
  images: z
    .record(imageName(), imageEntry, { error: 'expected a mapping of image names to images' })
    .prefault({})
    .meta({ description: 'Images by name, added to the catalogue or overriding keys of an entry there.' }),
  network: hostNetwork.prefault({}).meta({ description: 'What jobs reach from this host.' }),
  limits: hostLimits.prefault({}).meta({ description: 'What a job may take of this host.' }),
  pressure: hostPressure.prefault({}).meta({ description: 'When this host takes no further jobs.' }),
  stop: hostStop.prefault({}).meta({ description: 'How machines are stopped.' }),
  boot: hostBoot.prefault({}).meta({ description: 'When a boot is given up.' }),
  templates: hostTemplates.prefault({}).meta({ description: 'Frozen machines from which others start.' }),
  checkpoints: hostCheckpoints
    .prefault({})
    .meta({ description: 'Machines frozen after the `setup` of a job.' }),
  debug: hostDebug.optional().meta({
    description:
      '`mayfly serve` alone: lets maintainers into the machines of failed jobs over SSH. Without it nobody gets in.',
  }),
  pool: z.array(poolEntry, { error: 'expected a list of pools' }).prefault([]).meta({
    description:
      '`mayfly serve` alone: machines that are started before a job needs them, in room that is free.',
  }),
  archive: archivePlace().optional().meta({
    description:
      'Folder or bucket in which `jobs/` and `builds/` are: records, logs, consoles, timelines and artifacts. Without it: the data folder.',
  }),
  s3: hostS3
    .prefault({})
    .meta({ description: 'Where that bucket is, and with what key. Of no meaning for a folder.' }),
  retention: hostRetention.prefault({}).meta({ description: 'How long what has ended is kept.' }),
  traces: hostTraces.optional().meta({
    description: 'Where OpenTelemetry traces of builds and jobs are sent. Without it: nowhere.',
  }),
  redis: redisUrl().optional().meta({
    description:
      'Redis or Valkey that keeps the queue, shared by all hosts. Without it: `mayfly serve` starts one of its own.',
  }),
  redis_password_file: path().optional().meta({
    description: 'File with the password of `redis:`, in the place of one in the URL.',
  }),
  listen: listenAddress().prefault(hostDefaults.listen).meta({
    description:
      'Where the server listens. Anything but a loopback address needs a token and `trusted_proxies`.',
  }),
  metrics_listen: listenAddress().optional().meta({
    description:
      'Where a worker on its own (`--role worker`) answers `/metrics`, `/healthz` and `/readyz`, under the same conditions. Without it: nowhere.',
  }),
  public_url: publicUrl().optional().meta({
    description: 'Address of the server as people and forges reach it. Without it: where it listens.',
  }),
  trusted_proxies: trustedProxies().prefault([]).meta({
    description: 'Reverse proxies that end TLS, whose word for the address of a client is taken.',
  }),
  secrets_key: path().optional().meta({
    description:
      'File of the key that secrets are encrypted with, outside the data folder. Without it: `/etc/mayfly/secrets.key` for root, `~/.config/mayfly/secrets.key` for others.',
  }),
  admin_token_file: path().optional().meta({
    description:
      'File with a token that may do everything, which is made where it is absent. Whoever reads it is an admin. Without it: `mayfly tokens make`, on loopback.',
  }),
  repositories: z
    .array(repositoryEntry, { error: 'expected a list of repositories' })
    .superRefine((entries, context) => {
      const seen = new Set<string>()
      entries.forEach(({ forge, name }, index) => {
        const key = `${forge}:${name}`
        const message = `expected each repository once, found ${key} again`
        if (seen.has(key)) context.addIssue({ code: 'custom', path: [index, 'name'], message })
        seen.add(key)
      })
    })
    .prefault([])
    .meta({ description: 'Repositories that may start builds here. More can be added over the API.' }),
})

export type RawHost = z.output<typeof hostSchema>
