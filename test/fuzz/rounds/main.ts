/**
 * `npm run test:rounds [-- SCENARIO…]`: loses a thread, aborts a call, disposes a model or cuts a load at a random moment,
 * again and again. Each call must answer with the right bits or fail with a typed error within a second, the next call must
 * be right to the bit, and no memory and no thread may be kept.
 */
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { bundle } from '../bundle.js';
import type { RoundsReport } from './program.js';

const HELP = `Usage: npm run test:rounds [-- SCENARIO… OPTION…]

  --rounds N    rounds of each scenario (default 500)
  --seed N      of the random numbers (default 1)
  --list        prints the scenarios
  --help        prints this text
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (values.help) {
  console.log(HELP);
  process.exit(0);
}

const script = await bundle('rounds');
const run = (...parameters: string[]): string =>
  execFileSync(process.execPath, ['--expose-gc', '--no-warnings', '--enable-source-maps', script, ...parameters], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 1_800_000,
  });

const all = JSON.parse(run()) as readonly string[];
const unknown = positionals.filter((name) => !all.includes(name));
if (unknown.length > 0 || !/^[1-9]\d*$/.test(values.rounds)) {
  console.error(
    unknown.length > 0
      ? `expected scenarios of ${all.join(', ')}, got ${unknown.join(', ')}`
      : '--rounds: expected an integer >= 1',
  );
  process.exit(2);
}
if (values.list) {
  console.log(all.join('\n'));
  process.exit(0);
}

/** Bytes by which heap and buffers may grow over all rounds. A leaked memory of the network alone has ten times as many. */
const GROWTH = 2 ** 20;

function verdictsOf({ broken, before, after }: RoundsReport): string[] {
  const verdicts = broken.map(({ round, rule }) => `round ${round}: ${rule}`);
  for (const key of ['memories', 'threads', 'handles'] as const) {
    if (after[key] > before[key]) verdicts.push(`${key}: ${before[key]} before, ${after[key]} after`);
  }
  const growth = after.bytes - before.bytes;
  if (growth > GROWTH) verdicts.push(`bytes: ${growth} more`);
  return verdicts;
}

let failures = 0;
for (const name of positionals.length > 0 ? positionals : all) {
  const report = JSON.parse(run(name, values.rounds, values.seed)) as RoundsReport;
  const verdicts = verdictsOf(report);
  failures += verdicts.length;
  const growth = ((report.after.bytes - report.before.bytes) / 1024).toFixed(0);
  const { answered, refused } = report.outcomes;
  const verdict = verdicts.length === 0 ? 'ok' : 'FAILED';
  console.log(
    `${name.padEnd(18)} ${report.rounds} rounds, ${report.seconds.toFixed(0)} s: ` +
      `${answered} calls answered, ${refused} refused; ${growth} KiB more: ${verdict}`,
  );
  for (const each of verdicts) console.log(`  ${each}`);
}
process.exitCode = failures > 0 ? 1 : 0;
