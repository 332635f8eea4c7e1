import { bounds, hostDefaults, jobDefaults } from '../defaults.ts'

/** What a reader should know before the tables of the pipeline file. */
export const pipelineIntroduction = `
# The pipeline file

\`${jobDefaults.file}\` in the root of a repository says what to run, in which machine. This page lists every key;
[config/examples/](../config/examples/) has files that run as they stand. \`mayfly validate FILE\` checks a file and
names every problem with its line and column.

The smallest file is one job with one step:

\`\`\`yaml
steps:
  - make check
\`\`\`

Most of what a job can say:

\`\`\`yaml
image: ${hostDefaults.image}
resources: { cpus: 2, memory: 2GiB, disk: 10GiB }
env: { CI: "true" }
setup:
  - sudo apt-get update && sudo apt-get install -y build-essential
steps:
  - ./configure && make
  - name: test
    run: make check
    timeout: 10m
artifacts:
  - build/*.tar.gz
  - { path: test-results/**, when: always }
network: ${jobDefaults.network}
timeout: ${jobDefaults.timeout}
\`\`\`

\`setup\` runs once for all jobs that ask for the same image, resources, scripts, \`setup_files\`, \`env\` and network: its
machine is frozen then, and later jobs start after it. It sees no file of the repository but its \`setup_files\`, no secret,
and no variable that tells of the build. \`setup_max_age\` says how old that may become.

\`network\` can differ within a job: \`{ setup: web, steps: none }\` fetches what is needed and then tests without a way out,
and a single step says \`network: none\` or \`network: web\` for itself. A step without network ends the connections that
earlier ones left open.

Several jobs stand below \`jobs\`, each under its name. What they share is written once beside \`jobs\`: every key of a
[job](#job) may stand there but \`steps\`, \`needs\`, \`matrix\` and \`concurrency\`. \`env\` and \`resources\` are merged key by
key with those of the job; any other key of the job replaces the shared one.

\`\`\`yaml
image: ${hostDefaults.image}
jobs:
  build:
    steps:
      - make
  test:
    needs: build
    resources: { memory: 4GiB }
    steps:
      - make check
\`\`\`

## How values are written

| type | examples | rules |
|---|---|---|
| size | \`512MiB\`, \`2GiB\`, \`10G\`, \`1024\` | Units are K, M, G and T, always binary: \`1M\`, \`1MB\` and \`1MiB\` are the same 1,048,576 bytes. Without a unit: bytes. |
| duration | \`90s\`, \`10m\`, \`1h30m\`, \`500ms\` | Units are d, h, m, s and ms, from large to small. The unit is needed. At most ${bounds.duration}. |
| script | \`make check\`, or several lines below \`run: \\|\` | Any text for the interpreter. CRLF line ends become LF when the file is read; NUL bytes are refused. |
| list | \`[a, b]\` | Where this page says that a single value will do, the list may be left out. |

The file is YAML 1.2 of at most ${bounds.fileBytes}, indented with spaces. Unknown keys and keys given twice are errors. Anchors and
aliases work; tags and merge keys (\`<<\`) do not. Values in \`env\` and \`matrix\` are text exactly as written, so that
\`1.20\` stays \`1.20\`.
`

/** What a reader should know before the tables of the host file. */
export const hostIntroduction = `
# The host file

\`${hostDefaults.file}\` says how Mayfly uses this computer. \`--config FILE\` names another file, else the variable
\`MAYFLY_CONFIG\` does. A file that is named has to exist; without any, the defaults below serve. Every key is optional.

\`\`\`yaml
data: /srv/mayfly
resources: { cpus: 4, memory: 4GiB }
network:
  allow: ["*.example.org", github.com]
images:
  my-linux:
    url: https://images.example.org/my-linux.qcow2.xz
    digest: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    compression: xz
    user: ci
public_url: https://ci.example.org
repositories:
  - forge: gitea
    name: owner/name
    clone_url: https://forge.example.org/owner/name.git
    api_url: https://forge.example.org/api/v1
    secret_files: { webhook: /etc/mayfly/name.webhook, token: /etc/mayfly/name.token }
\`\`\`

Relative paths count from the folder of the host file. Disks, kernels and initrds that are named but absent are errors,
all of them at once. Sizes and durations are written as in [the pipeline file](pipeline-file.md#how-values-are-written).
`
