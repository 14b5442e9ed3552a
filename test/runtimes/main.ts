/**
 * `npm run test:runtimes [-- NAME...]`: checks the packed package, installs it as a user would, and runs it in all
 * supported runtimes. Each computes the logits of one photograph, which must be bit-identical in the plain build.
 * Prints a line for each, and writes a JSON report (`--json FILE`). A runtime that is not available is skipped, or
 * fails if REQUIRE_RUNTIMES names it.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect, parseArgs } from 'node:util';
import { machine } from '../../bench/machine.js';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/**
 * Written by npm after an installation. If it is missing or older than package-lock.json, the packages are installed.
 */
const marker = here('node_modules/.package-lock.json');
if (!existsSync(marker) || statSync(marker).mtimeMs < statSync(here('package-lock.json')).mtimeMs) {
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts'], { cwd: here('.'), stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(2);
}
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string', default: here('../../dist/reports/runtimes.json') } },
});
const [
  { openConsumer },
  { EXAMPLES },
  { PACKAGING },
  { linesOf, findMismatch },
  { BUDGETS, RUNTIMES, SOURCES, TRAININGS },
] = await Promise.all([
  import('./consumer.js'),
  import('./examples.js'),
  import('./packaging.js'),
  import('./report.js'),
  import('./runtimes.js'),
]);

const required = (process.env['REQUIRE_RUNTIMES'] ?? '').split(',').filter((name) => name !== '');
const names = [PACKAGING, RUNTIMES, SOURCES, TRAININGS, BUDGETS, EXAMPLES].flatMap((group) => Object.keys(group));
const unknown = [...positionals, ...required].filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`expected some of ${names.join(', ')}, got ${unknown.join(', ')}`);
  process.exit(2);
}

const isChosen = (name: string): boolean => positionals.length === 0 || positionals.includes(name);
const runs: import('./report.js').RuntimeRun[] = [];
function record(run: import('./report.js').RuntimeRun): void {
  runs.push(run);
  console.log(linesOf(run).join('\n'));
}
const skip = (runtime: string, reason: string): void => {
  record({ runtime, status: required.includes(runtime) ? 'FAILED' : 'SKIPPED', reason });
};
const reasonOf = (error: unknown): string => (error instanceof Error ? inspect(error) : String(error));

async function checkAll(checks: typeof PACKAGING, of: Parameters<(typeof PACKAGING)[string]>[0]): Promise<void> {
  for (const [runtime, check] of Object.entries(checks)) {
    if (!isChosen(runtime)) continue;
    const finding = await check(of).catch(reasonOf);
    if (typeof finding === 'string') record({ runtime, status: 'FAILED', reason: finding });
    else if (finding === null) record({ runtime, status: 'RAN' });
    else if ('skipped' in finding) skip(runtime, finding.skipped);
    else record({ runtime, status: 'RAN', notes: finding });
  }
}

const environment = { date: new Date().toISOString().slice(0, 10), machine: machine() };
const consumer = await openConsumer();
try {
  await checkAll(PACKAGING, consumer);
  let logits: string | null = null;
  for (const [runtime, run] of Object.entries(RUNTIMES)) {
    if (!isChosen(runtime)) continue;
    try {
      const answers = await run(consumer);
      if (typeof answers === 'string') {
        skip(runtime, answers);
        continue;
      }
      logits ??= answers[0].logits;
      const reason = findMismatch(answers, logits);
      record({ runtime, status: reason === null ? 'RAN' : 'FAILED', answers, ...(reason !== null && { reason }) });
    } catch (error) {
      record({ runtime, status: 'FAILED', reason: reasonOf(error) });
    }
  }
  await checkAll(SOURCES, consumer);
  await checkAll(TRAININGS, consumer);
  await checkAll(BUDGETS, consumer);
  await checkAll(EXAMPLES, consumer);
} finally {
  await consumer.remove();
}
await mkdir(dirname(values.json), { recursive: true });
await writeFile(values.json, `${JSON.stringify({ ...environment, runs }, null, 2)}\n`);
process.exitCode = runs.some(({ status }) => status === 'FAILED') ? 1 : 0;
