import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What takes a minute or more without KVM, the longest first. */
const longest = [
  'acceptance/stock-image',
  'acceptance/examples',
  'acceptance/user-data',
  'templates/falls-back',
  'bad-input/stuck-guests',
  'bad-input/sshd',
  'templates/many-clones',
  'templates/builder-killed',
]

/** Starts the longest files first, so that none of them runs on alone when all others are over. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other))
  }
}

function rank({ moduleId }: TestSpecification): number {
  const index = longest.findIndex((name) => moduleId.endsWith(`/test/machine/${name}.test.ts`))
  return index === -1 ? longest.length : index
}
