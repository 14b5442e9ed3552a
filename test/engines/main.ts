/**
 * `npm run test:engines`: the engines of TensorFlow.js that need a browser, a driver or an addon,
 * each against the oracle: all, or those that are named. A line for each, and all of it in a JSON
 * file (`--json FILE`). An engine that is not to be had is skipped, which is a failure where
 * REQUIRE_ENGINES names it. That may name the engines of `npm test`, too, which requires them.
 */
import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  COMMANDS,
  lineOf,
  missing,
  requiredEngines,
  requirementsOf,
  unknownEngines,
  writeReport,
  type EngineRun,
} from '../tfjs/engineReport.js';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const { values, positionals: chosen } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string', default: here('../../dist/reports/engines.json') } },
});

const HERE = 'npm run test:engines';
const ENGINES: readonly string[] = COMMANDS[HERE];

const required = requiredEngines();
const refuse = (unknown: readonly string[], known: readonly string[]): void => {
  if (unknown.length === 0) return;
  console.error(`expected engines of ${known.join(', ')}, got ${unknown.join(', ')}`);
  process.exit(2);
};
refuse(
  chosen.filter((name) => !ENGINES.includes(name)),
  ENGINES,
);
refuse(unknownEngines(required), Object.values(COMMANDS).flat());

function inChild(engine: string): Promise<EngineRun> {
  return new Promise((resolve, reject) => {
    const child = fork(here('child.ts'), [engine], {
      execArgv: ['--import', './scripts/ts-node.js'],
      // JSON has no infinity.
      serialization: 'advanced',
    });
    let made: EngineRun | null = null;
    child.on('message', (message) => (made = message as EngineRun));
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (made !== null) resolve(made);
      else reject(new Error(`${engine}: its process ended with ${signal ?? `code ${code}`}`));
    });
  });
}

async function* all(): AsyncGenerator<EngineRun> {
  if (!existsSync(here('node_modules'))) {
    const reason = 'npm ci in test/engines installs what it needs';
    for (const engine of ENGINES) yield { engine, status: 'SKIPPED', reason };
    return;
  }
  const isChosen = (engine: string): boolean => chosen.length === 0 || chosen.includes(engine);
  for (const engine of ['webgpu', 'tfjs-node'].filter(isChosen)) yield await inChild(engine);
  const { chromiumRun } = await import('./chromium.js');
  for (const engine of ['webgpu', 'webgl'] as const) {
    if (isChosen(`chromium-${engine}`)) yield await chromiumRun(engine);
  }
}

const runs: EngineRun[] = [];
for await (const run of all()) {
  runs.push(run);
  console.log(lineOf(run));
  for (const { ok, check, network, worst, at } of run.rows ?? []) {
    if (!ok) console.log(`  FAILED ${check}, ${network}: ${worst} at ${at}`);
  }
}
writeReport(values.json, runs);
for (const line of requirementsOf(runs, required, HERE)) console.log(line);
const absent = missing(runs, required, HERE);
if (absent.length > 0) console.log(`FAILED required, and skipped: ${absent.join(', ')}`);
const wrong = runs.some(({ rows = [] }) => !rows.every(({ ok }) => ok));
process.exitCode = absent.length > 0 || wrong ? 1 : 0;
