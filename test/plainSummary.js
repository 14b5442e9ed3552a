/** Prints the name of every skipped test, which says why, then a last line that scripts can parse. */
export default class PlainSummary {
  #skipped = [];

  onTestResult(_test, { testResults }) {
    for (const { status, fullName } of testResults) if (status === 'pending') this.#skipped.push(fullName);
  }

  onRunComplete(_contexts, { numPassedTests, numFailedTests, numPendingTests, numRuntimeErrorTestSuites }) {
    // A suite that cannot be loaded runs no test: it counts as a failed test.
    const failed = numFailedTests + numRuntimeErrorTestSuites;
    const lines = this.#skipped.map((name) => `SKIPPED ${name}`);
    // At exit, because jest prints its own summary after this.
    process.once('exit', () => {
      process.stdout.write(
        `\n${[...lines, ''].join('\n')}${numPassedTests} passed, ${failed} failed, ${numPendingTests} skipped\n`,
      );
    });
  }
}
