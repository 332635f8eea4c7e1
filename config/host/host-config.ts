/** The host file as the rest of Mayfly sees it: checked, defaults filled in, sizes in bytes, times in milliseconds. */
export type HostConfig = {
  /** The file it came from; undefined where there is none and the defaults serve. */
  readonly file: string | undefined
  /**
   * Absolute path of the data folder, where the host file names one. `dataFolder` decides.
   * @defaultValue undefined
   */
  readonly data: string | undefined
  /**
   * Absolute path of the folder for sockets, which need a short path.
   * @defaultValue undefined: a folder that the runner picks
   */
  readonly runDir: string | undefined
  /**
   * What this host is called among those that share a Redis.
   * @defaultValue undefined: its host name
   */
  readonly name: string | undefined
  /**
   * What it has that others may not have, beside what Mayfly finds out; sorted, each once.
   * @defaultValue []
   */
  readonly labels: readonly string[]
  /**
   * How machines are accelerated; `auto` probes.
   * @defaultValue 'auto'
   */
  readonly accel: 'auto' | 'kvm' | 'tcg'
  /**
   * The image of jobs that name none.
   * @defaultValue 'debian-12-local'
   */
  readonly defaultImage: string
  /**
   * Name of the pipeline file in a repository's root.
   * @defaultValue '.mayfly.yml'
   */
  readonly pipelineFile: string
  /**
   * What a machine has where neither its job nor its image says so. Sizes in bytes.
   * @defaultValue 2 cpus, 2 GiB of memory, 10 GiB of disk
   */
  readonly resources: { readonly cpus: number; readonly memory: number; readonly disk: number }
  /**
   * Images by name: additions to the catalogue, and keys that override one of its entries.
   * @defaultValue \{\}
   */
  readonly images: Readonly<Record<string, ImageEntry>>
  readonly network: HostNetwork
  readonly limits: Limits
  readonly pressure: PressureBounds
  readonly stop: StopBudget
  readonly boot: BootBudget
  readonly templates: TemplateUse
  readonly checkpoints: TemplateUse
  /**
   * Whether and how maintainers get into the machines of jobs.
   * @defaultValue undefined: not at all
   */
  readonly debug: HostDebug | undefined
  /**
   * Machines that the server starts before a job needs them.
   * @defaultValue []
   */
  readonly pool: readonly PoolEntry[]
  /**
   * Absolute path of the folder that holds jobs' and builds' folders: records, logs, consoles, artifacts.
   * @defaultValue undefined: the data folder
   */
  readonly archive: string | undefined
  /**
   * The bucket that has them in place of a folder; those of running jobs are in the data folder then, and there.
   * @defaultValue undefined: a folder
   */
  readonly bucket: HostBucket | undefined
  readonly retention: Retention
  /**
   * Where OpenTelemetry traces go: the base of a collector's OTLP over HTTP.
   * @defaultValue undefined: nowhere
   */
  readonly traces: { readonly endpoint: string } | undefined
  /**
   * URL of the Redis that all hosts share; it may hold a password.
   * @defaultValue undefined: `serve` starts its own
   */
  readonly redis: string | undefined
  /**
   * Absolute path of the file with the password of `redis`.
   * @defaultValue undefined: none, or the one in the URL
   */
  readonly redisPasswordFile: string | undefined
  /**
   * Where the server listens; an IPv6 address without brackets, port 0 for any free one.
   * @defaultValue 127.0.0.1, port 8470
   */
  readonly listen: { readonly host: string; readonly port: number }
  /**
   * Where a worker on its own answers whoever watches over it.
   * @defaultValue undefined: nowhere
   */
  readonly metricsListen: HostConfig['listen'] | undefined
  /**
   * The server's address as others reach it, without a slash at its end.
   * @defaultValue undefined: where it listens
   */
  readonly publicUrl: string | undefined
  /**
   * IP addresses and networks of reverse proxies that end TLS.
   * @defaultValue []
   */
  readonly trustedProxies: readonly string[]
  /**
   * Absolute path of the key file of the secrets. `secretsKeyFile` decides.
   * @defaultValue undefined
   */
  readonly secretsKey: string | undefined
  /**
   * Absolute path of the file with a token that may do everything; made where it is absent.
   * @defaultValue undefined
   */
  readonly adminTokenFile: string | undefined
  /**
   * Repositories that may start builds here.
   * @defaultValue []
   */
  readonly repositories: readonly RepositoryEntry[]
}

/** A repository as the host file registers it. */
export type RepositoryEntry = {
  readonly forge: 'github' | 'gitlab' | 'gitea' | 'bitbucket' | 'sourcehut'
  /** `owner/name` */
  readonly name: string
  /** Holds no credentials. */
  readonly cloneUrl: string
  readonly apiUrl: string | undefined
  readonly pipelineFile: string | undefined
  readonly images: readonly string[] | undefined
  /** Narrows what the host's `network` lets its jobs reach. */
  readonly network: RepositoryNetwork | undefined
  /** Numbers of jobs. @defaultValue running: undefined, weight: 1, queued: 500, matrix: 100 */
  readonly limits: {
    readonly running: number | undefined
    readonly weight?: number | undefined
    readonly queued: number
    readonly matrix: number
  }
  /** @defaultValue 'main' */
  readonly defaultBranch: string
  /** @defaultValue false */
  readonly submodules: boolean
  /** @defaultValue false */
  readonly lfs: boolean
  /** In UTC, as crontab(5) writes it. @defaultValue [] */
  readonly schedules: readonly { readonly cron: string; readonly branch: string }[]
  /** Who is told of its builds. @defaultValue [] */
  readonly notify: readonly NotifyTarget[]
  /** Absolute paths of files with one secret each. */
  readonly secretFiles: {
    readonly webhook: string | undefined
    readonly token: string | undefined
    readonly clone: string | undefined
    readonly notification: string | undefined
  }
}

/** What `network: web` reaches in jobs of a repository; patterns as in `HostNetwork`. */
export type RepositoryNetwork = {
  /** @defaultValue undefined: all that the host lets them */
  readonly allow?: readonly string[] | undefined
  /** @defaultValue [] */
  readonly deny: readonly string[]
  /** @defaultValue false */
  readonly audit: boolean
}

/** A URL that builds are posted to. */
export type NotifyTarget = {
  /** http or https, without credentials. */
  readonly url: string
  /** @defaultValue ended */
  readonly on: readonly NotifyEvent[]
}

/** `started`, or a verdict, or `ended` for any verdict. */
export type NotifyEvent =
  | 'started'
  | 'ended'
  | 'passed'
  | 'failed'
  | 'errored'
  | 'timed-out'
  | 'cancelled'
  | 'skipped'

/** How long what has ended is kept; milliseconds from the end of the build. */
export type Retention = {
  /** The newest of each repository, or all up to an age. @defaultValue age: 365 days */
  readonly builds: { readonly newest: number } | { readonly age: number }
  /** Logs, consoles and timelines. @defaultValue 90 days */
  readonly logs: number
  /** @defaultValue 30 days */
  readonly artifacts: number
}

/** An image as the host file describes it; what is undefined comes from the catalogue, or its general defaults. */
export type ImageEntry = {
  /** Where the disk is published. */
  readonly url: string | undefined
  /** A local disk instead of `url`; absolute. */
  readonly path: string | undefined
  /** The published file of checksums. */
  readonly checksum: { readonly url: string; readonly algorithm: 'sha256' | 'sha512' } | undefined
  /** `sha256:<hex>` of the file as published. */
  readonly digest: string | undefined
  readonly format: 'qcow2' | 'raw' | undefined
  readonly compression: 'none' | 'xz' | 'zstd' | 'gz' | undefined
  readonly user: string | undefined
  readonly firmware: 'bios' | 'uefi' | undefined
  readonly diskBus: 'virtio' | 'scsi' | 'ide' | undefined
  readonly nic: 'virtio' | 'e1000' | undefined
  /** Sizes in bytes. */
  readonly resources: { readonly cpus?: number; readonly memory?: number; readonly disk?: number }
  /** A regular expression. */
  readonly readyPattern: string | undefined
  readonly seed: 'cloud-init' | 'mayfly' | undefined
  readonly userData: string | undefined
  /** Files for direct boot; absolute. */
  readonly kernel: string | undefined
  readonly initrd: string | undefined
  readonly append: string | undefined
}

export type HostNetwork = {
  /**
   * What to do with jobs that ask for `network: internet`.
   * @defaultValue 'isolate'
   */
  readonly internet: 'isolate' | 'refuse' | 'accept-risk'
  /**
   * Hosts that `network: web` reaches, such as `packages.example.org` or `*.example.org`.
   * @defaultValue undefined: every public host
   */
  readonly allow: readonly string[] | undefined
  /**
   * Hosts that `network: web` never reaches; stronger than `allow`.
   * @defaultValue []
   */
  readonly deny: readonly string[]
  /**
   * Only note what `allow` would refuse, to learn the list.
   * @defaultValue false
   */
  readonly audit: boolean
}

/** What one job, or one image, may take of this host. */
export type Limits = {
  /** Bytes of a job's log. @defaultValue 256 MiB */
  readonly logBytes: number
  /** Bytes of a machine's console. @defaultValue 16 MiB */
  readonly consoleBytes: number
  /** Bytes of all artifacts of a job. @defaultValue 1 GiB */
  readonly artifactBytes: number
  /** Artifacts of a job. @defaultValue 1000 */
  readonly artifactCount: number
  /** Bytes of the upload of a job. @defaultValue 4 GiB */
  readonly uploadBytes: number
  /** Steps of a job. @defaultValue 500 */
  readonly steps: number
  /** Virtual size of an image in bytes. @defaultValue 64 GiB */
  readonly imageBytes: number
  /** Bytes of a repository's mirror, and of one checkout with its submodules. @defaultValue 4 GiB */
  readonly repositoryBytes: number
  /** Milliseconds that a job may wait in line. @defaultValue 7 days */
  readonly buildAge: number
  /** Connections to the HTTP server at a time. @defaultValue 2000 */
  readonly connections: number
  /** Logs that are followed at a time. @defaultValue 1000 */
  readonly followers: number
  /** Requests a minute of one token, or of one address without one. @defaultValue 6000 */
  readonly requests: number
  /** Bytes of all jobs' folders. @defaultValue undefined: what the disk has */
  readonly archiveBytes: number | undefined
  /** Bytes of all images. @defaultValue undefined: what the disk has */
  readonly shelfBytes: number | undefined
  /** Bytes of all mirrors. @defaultValue undefined: what the disk has */
  readonly mirrorsBytes: number | undefined
}

/** A bucket of an S3-compatible storage, and how it is reached. */
export type HostBucket = {
  readonly name: string
  /** What all keys in it begin with, without a slash at either end; may be empty. */
  readonly prefix: string
  /** @defaultValue undefined: Amazon S3 in the region */
  readonly endpoint: string | undefined
  /** @defaultValue us-east-1 */
  readonly region: string
  /** Whether the bucket stands in the path of a URL. @defaultValue true where there is an endpoint */
  readonly pathStyle: boolean
  /** Server-side encryption asked for. @defaultValue undefined: as the bucket is set up */
  readonly encryption: 'AES256' | 'aws:kms' | undefined
  readonly kmsKey: string | undefined
  /** Absolute path of a file with the key. @defaultValue undefined: the environment */
  readonly credentials: string | undefined
}

/** Where this host takes no further jobs. */
export type PressureBounds = {
  /** Bytes free on the disks of data folder and archive. @defaultValue 2 GiB */
  readonly diskFree: number
  /** Bytes of memory available. @defaultValue 256 MiB */
  readonly memoryFree: number
  /** Percent of time in which everything waits for memory. @defaultValue 40 */
  readonly memoryStall: number
}

/** Milliseconds that a machine gets on each rung of the stop ladder. */
export type StopBudget = {
  /** After the ACPI power button. @defaultValue 10 s */
  readonly powerdown: number
  /** After SIGTERM to QEMU. @defaultValue 5 s */
  readonly term: number
  /** After the server that ran its job was killed, or left it. @defaultValue 15 min */
  readonly orphaned: number
  /** What becomes of running jobs when the server is told to stop by SIGTERM. @defaultValue leave */
  readonly running: 'leave' | 'put-back'
}

/** Whether and how long frozen machines of a kind are kept to start others from. */
export type TemplateUse = {
  /** @defaultValue true */
  readonly use: boolean
  /** Bytes of all of them on disk. @defaultValue 20 GiB */
  readonly quota: number
  /** Milliseconds without use. @defaultValue 30 days */
  readonly maxAge: number
}

/** How maintainers get into the machines of jobs that have their verdict. */
export type HostDebug = {
  /** @defaultValue 127.0.0.1:2222 */
  readonly listen: { readonly host: string; readonly port: number }
  /** The host's name as maintainers reach it. */
  readonly address: string | undefined
  /** Machines kept at a time. @defaultValue 1 */
  readonly slots: number
  /** Of one repository. @defaultValue 1 */
  readonly perRepository: number
  /** Milliseconds that one is kept at most. @defaultValue 30 min */
  readonly longest: number
  /** Bytes that all that are parked may take, and milliseconds after which one is removed. @defaultValue 20 GiB, 7 days */
  readonly parked: { readonly quota: number; readonly maxAge: number }
}

/** Machines of one image, size and network mode that wait for jobs. */
export type PoolEntry = {
  readonly image: string
  /** cpus as a count, sizes in bytes. @defaultValue what a job of the image has that says nothing */
  readonly resources: { readonly cpus?: number; readonly memory?: number; readonly disk?: number }
  /** @defaultValue web */
  readonly network: 'none' | 'web'
  /** Kept ready where there is room for them. */
  readonly min: number
  /** Kept ready at most, when many are asked for. @defaultValue min */
  readonly max: number
}

/** When a boot is given up. Progress of the guest counts, so that a loaded host is no broken guest. Milliseconds. */
export type BootBudget = {
  /** CPU time of QEMU until SSH answers. @defaultValue 10 min */
  readonly cpuTime: number
  /** Wall-clock time without any sign of progress. @defaultValue 3 min */
  readonly quiet: number
}
