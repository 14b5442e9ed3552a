/** Prints for each framework whether tests ran with it: a line RAN or SKIPPED. */

/** The frameworks, by the titles of their tests. Keep it equal to FRAMEWORKS of frameworks.ts. */
const NAMES = ['PyTorch', 'PaddlePaddle', 'onnxruntime', 'Keras'];

/** The lines for the results of tests. @param tests each with `ancestorTitles` and `status` */
export function frameworkLines(tests) {
  return NAMES.map((name) => {
    const titlesOf = ({ ancestorTitles }) =>
      ancestorTitles.filter((title) => title === name || title.startsWith(`${name}: `));
    const own = tests.filter((test) => titlesOf(test).length > 0);
    const ran = own.filter(({ status }) => status === 'passed' || status === 'failed');
    const failed = ran.filter(({ status }) => status === 'failed').length;
    if (ran.length > 0) return `RAN ${name}: ${ran.length} tests${failed === 0 ? '' : `, ${failed} failed`}`;
    const [reason] = own.flatMap(titlesOf).map((title) => title.slice(name.length + 2));
    return `SKIPPED ${name}: ${reason ?? 'no tests'}`;
  });
}

/** With REQUIRE_FRAMEWORKS, a list with commas between, the run fails if one of these is skipped. */
export default class FrameworkReporter {
  #tests = [];
  #missing = [];

  onTestResult(_test, { testResults }) {
    this.#tests.push(...testResults);
  }

  onRunComplete() {
    const lines = frameworkLines(this.#tests);
    const required = (process.env.REQUIRE_FRAMEWORKS ?? '').split(',').filter((name) => name !== '');
    this.#missing = required.filter((name) => !lines.some((line) => line.startsWith(`RAN ${name}:`)));
    process.once('exit', () => {
      process.stdout.write(`\n${lines.join('\n')}\n`);
    });
  }

  getLastError() {
    if (this.#missing.length > 0) return new Error(`REQUIRE_FRAMEWORKS: did not run ${this.#missing.join(', ')}`);
  }
}
