/**
 * Every default of the pipeline file and the host file, written as a person would write it there.
 * The schemas, the loaders, the JSON Schemas and the reference pages all read them from here.
 */

/** What a job gets where neither it nor its file says otherwise. */
export const jobDefaults = {
  /** The pipeline file's name, in the root of the repository. */
  file: '.mayfly.yml',
  /** The name of a job that is written at the top level, without `jobs:`. */
  name: 'main',
  shell: 'sh -e',
  network: 'web',
  timeout: '30m',
  setupMaxAge: '7d',
  artifactWhen: 'success',
  /** Where there is no `debug` at all, nothing is held; `debug: {}` means after a failure. */
  debug: { on: 'failure', how: 'hold', hold: '30m' },
  concurrencyCancel: false,
  priority: 0,
  retry: {
    max: 1,
    on: [
      'image',
      'boot',
      'guest-panic',
      'machine-died',
      'ssh-lost',
      'upload',
      'collect',
      'host-disk-full',
      'host-lost',
    ],
  },
} as const

/** What this host does where its host file says nothing. */
export const hostDefaults = {
  file: '/etc/mayfly/mayfly.yml',
  rootDataFolder: '/var/lib/mayfly',
  accel: 'auto',
  image: 'debian-12-local',
  resources: { cpus: 2, memory: '2GiB', disk: '10GiB' },
  network: { internet: 'isolate', audit: false },
  s3: { region: 'us-east-1' },
  limits: {
    logBytes: '256MiB',
    consoleBytes: '16MiB',
    artifactBytes: '1GiB',
    artifactCount: 1000,
    uploadBytes: '4GiB',
    steps: 500,
    imageBytes: '64GiB',
    repositoryBytes: '4GiB',
    buildAge: '7d',
    connections: 2000,
    followers: 1000,
    requests: 6000,
  },
  listen: '127.0.0.1:8470',
  pressure: { diskFree: '2GiB', memoryFree: '256MiB', memoryStall: 40 },
  stop: { powerdown: '10s', term: '5s', orphaned: '15m', running: 'leave' },
  boot: { cpuTime: '10m', quiet: '3m' },
  templates: { use: true, quota: '20GiB', maxAge: '30d' },
  checkpoints: { use: true, quota: '20GiB', maxAge: '30d' },
  debug: {
    listen: '127.0.0.1:2222',
    slots: 1,
    perRepository: 1,
    longest: '30m',
    parked: { quota: '20GiB', maxAge: '7d' },
  },
  retention: { builds: '365d', logs: '90d', artifacts: '30d' },
} as const

/** What a repository gets where its registration does not say otherwise. */
export const repositoryDefaults = {
  branch: 'main',
  limits: { queued: 500, matrix: 100 },
  submodules: false,
  lfs: false,
  notifyOn: ['ended'],
} as const

/** What no file may exceed; bounds that keep a wrong or hostile file from hurting the host that reads it. */
export const bounds = {
  /** bytes of a pipeline file or a host file */
  fileBytes: '1MiB',
  jobs: 500,
  /** Of a host, and that a job asks for. */
  labels: 50,
  cpus: 256,
  memory: { min: '128MiB', max: '16TiB' },
  disk: { min: '64MiB', max: '64TiB' },
  /** Longer timers than 24.8 days fire at once in Node (setTimeout's 32-bit milliseconds). */
  duration: '7d',
  /** Of what is kept; no timer counts it. */
  age: '3650d',
  retries: 10,
  /** Either way. */
  priority: 100,
  /** Of a repository, in what all share. */
  weight: 100,
  stepName: 60,
  /** Problems shown of one file. */
  problems: 100,
} as const
