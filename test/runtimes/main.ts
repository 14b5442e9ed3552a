/**
 * `npm run test:runtimes [-- NAME...]`: the packed package, installed as a user would, in the
 * runtimes that it is for. Each is asked for the logits of one photograph, which on the plain
 * build are to be the same to the last bit. What is not to be had is skipped, unless
 * REQUIRE_RUNTIMES names it.
 */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

if (!existsSync(here('node_modules'))) {
  console.error('npm ci --ignore-scripts in test/runtimes installs what this needs');
  process.exit(2);
}
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string', default: here('../../dist/reports/runtimes.json') } },
});
const [{ openConsumer }, { linesOf, misfit }, { RUNTIMES }] = await Promise.all([
  import('./consumer.js'),
  import('./report.js'),
  import('./runtimes.js'),
]);

const required = (process.env['REQUIRE_RUNTIMES'] ?? '').split(',').filter((name) => name !== '');
const unknown = [...positionals, ...required].filter((name) => !(name in RUNTIMES));
if (unknown.length > 0) {
  console.error(`expected runtimes of ${Object.keys(RUNTIMES).join(', ')}, got ${unknown.join(', ')}`);
  process.exit(2);
}

const runs: import('./report.js').RuntimeRun[] = [];
const consumer = await openConsumer();
try {
  let logits: string | null = null;
  for (const [runtime, run] of Object.entries(RUNTIMES)) {
    if (positionals.length > 0 && !positionals.includes(runtime)) continue;
    try {
      const answers = await run(consumer);
      if (typeof answers === 'string') {
        runs.push({ runtime, status: required.includes(runtime) ? 'FAILED' : 'SKIPPED', reason: answers });
      } else if ('notes' in answers) {
        runs.push({ runtime, status: 'RAN', notes: answers.notes });
      } else {
        logits ??= answers[0].logits;
        const reason = misfit(answers, logits);
        runs.push({ runtime, status: reason === null ? 'RAN' : 'FAILED', answers, ...(reason && { reason }) });
      }
    } catch (error) {
      runs.push({
        runtime,
        status: 'FAILED',
        reason: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    }
    console.log(linesOf(runs[runs.length - 1]).join('\n'));
  }
} finally {
  await consumer.remove();
}
await mkdir(dirname(values.json), { recursive: true });
await writeFile(values.json, `${JSON.stringify(runs, null, 2)}\n`);
process.exitCode = runs.some(({ status }) => status === 'FAILED') ? 1 : 0;
