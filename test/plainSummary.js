/** A last line that a script can read, whatever colours and lists stand above it. */
export default class PlainSummary {
  onRunComplete(_contexts, { numPassedTests, numFailedTests, numPendingTests, numRuntimeErrorTestSuites }) {
    // A suite that could not be loaded ran no test: it counts as one that failed.
    const failed = numFailedTests + numRuntimeErrorTestSuites;
    // At exit, because the runner's own summary comes after this.
    process.once('exit', () => {
      process.stdout.write(`\n${numPassedTests} passed, ${failed} failed, ${numPendingTests} skipped\n`);
    });
  }
}
