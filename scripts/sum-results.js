import { readFileSync } from 'node:fs'

// Adds up what the suites reported and says it in one line; a suite without a report, or without a test, has failed.
let passed = 0
let failed = 0
for (const file of process.argv.slice(2)) {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'))
    passed += report.numPassedTests
    failed += report.numFailedTests + report.numPendingTests + report.numTodoTests
    if (!report.success && report.numFailedTests === 0) failed += 1
    if (report.numTotalTests === 0) failed += 1
  } catch (error) {
    console.error(`expected a report in ${file}: ${error.message}`)
    failed += 1
  }
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1
