#!/usr/bin/env node
import { endWithReader } from './end-with-reader.ts'
import { program } from './program.ts'
import { reportError } from './report-error.ts'

endWithReader()
try {
  await program().parseAsync()
} catch (error) {
  process.exitCode = reportError(error)
}
