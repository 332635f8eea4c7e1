import { bounds } from '../defaults.ts'
import { oneOrMore } from './list.ts'
import { formed } from './text.ts'

const what = 'a label such as kvm, gpu or rack-2 (lower-case letters, digits, dots, underscores and dashes)'

/** What a host has, in one word. */
export const label = () => formed(/^[a-z0-9][a-z0-9._-]{0,62}$/, what).meta({ title: 'label' })

/** A label that a job asks for, or one that values of the job's matrix complete. */
const jobLabel = () =>
  formed(/^(?:[a-z0-9]|\$\{matrix\.\w{1,255}\})(?:[a-z0-9._-]|\$\{matrix\.\w{1,255}\}){0,62}$/, what).meta({
    title: 'label',
  })

/** One label or a list of them, all of which a host has to have. */
export const jobLabels = () =>
  oneOrMore(jobLabel(), 'a label or a list of them').refine((labels) => labels.length <= bounds.labels, {
    error: `expected at most ${bounds.labels} labels`,
  })
