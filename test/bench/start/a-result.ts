import { rowsOf } from './row.ts'
import type { StartResult } from './start-result.ts'

const mib = 2 ** 20

/** A result as a run may leave it, for tests. */
export const aResult: StartResult = {
  host: '2 x AMD <EPYC>, 23.5 GiB, QEMU 7.2.22, tcg',
  rows: rowsOf([
    { what: 'cold', atOnce: 1, figures: { ssh: 7, first_byte: 9.5, private: 300 * mib } },
    { what: 'cold', atOnce: 1, figures: { ssh: 8, first_byte: 10.5, private: 310 * mib } },
    { what: 'template', atOnce: 1, figures: { running: 0.12, ssh: 1.5, first_byte: 2, private: 90 * mib } },
    { what: 'template', atOnce: 8, figures: { running: 0.5, ssh: 6, first_byte: 8.25, private: 90 * mib } },
    { what: 'packer', atOnce: 1, figures: { first_byte: 20 } },
  ]),
}
