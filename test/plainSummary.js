/** Every skipped test by its name (which says why), then a last line that a script can read. */
export default class PlainSummary {
  #skipped = [];

  onTestResult(_test, { testResults }) {
    for (const { status, fullName } of testResults) if (status === 'pending') this.#skipped.push(fullName);
  }

  onRunComplete(_contexts, { numPassedTests, numFailedTests, numPendingTests, numRuntimeErrorTestSuites }) {
    // A suite that could not be loaded ran no test: it counts as one that failed.
    const failed = numFailedTests + numRuntimeErrorTestSuites;
    const lines = this.#skipped.map((name) => `SKIPPED ${name}`);
    // At exit, because the runner's own summary comes after this.
    process.once('exit', () => {
      process.stdout.write(
        `\n${[...lines, ''].join('\n')}${numPassedTests} passed, ${failed} failed, ${numPendingTests} skipped\n`,
      );
    });
  }
}
