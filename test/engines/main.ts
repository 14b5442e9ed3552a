/**
 * `npm run test:engines`: the engines of TensorFlow.js that need a browser, a driver or an addon,
 * each against the oracle: all, or those that are named. A line for each, and all of it in a JSON
 * file (`--json FILE`). An engine that is not to be had is skipped, which is a failure where
 * REQUIRE_ENGINES names it. That may name the engines of `npm test`, too, which requires them.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  COMMANDS,
  lineOf,
  missing,
  orFailed,
  requiredEngines,
  requirementsOf,
  unknownEngines,
  writeReport,
  type EngineRun,
} from '../tfjs/engineReport.js';
import { inChild } from './inChild.js';
import type { NodeEngine } from './nodeEngine.js';
import { swiftshader } from './swiftshader.js';

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

/** An engine of Node, and the command line on it. */
async function onNode(engine: NodeEngine, env: NodeJS.ProcessEnv): Promise<EngineRun> {
  const run = await inChild(engine, env);
  if (run.status === 'SKIPPED') return run;
  const { commandLineRows } = await import('./commandLine.js');
  return { ...run, rows: [...(run.rows ?? []), ...(await commandLineRows(engine, run.isHardware ?? false, env))] };
}

/** WebGPU by whatever driver there is, else by one in software. */
async function onWebgpu(): Promise<EngineRun> {
  const env = { VANILLANET_ENGINES: here('.') };
  const run = await onNode('webgpu', env);
  return run.status === 'SKIPPED' ? onNode('webgpu', { ...env, ...swiftshader() }) : run;
}

async function* all(): AsyncGenerator<EngineRun> {
  if (!existsSync(here('node_modules'))) {
    const reason = 'npm ci in test/engines installs what it needs';
    for (const engine of ENGINES) yield { engine, status: 'SKIPPED', reason };
    return;
  }
  const isChosen = (engine: string): boolean => chosen.length === 0 || chosen.includes(engine);
  if (isChosen('webgpu')) yield await orFailed('webgpu', onWebgpu);
  for (const engine of ['tfjs-node', 'tfjs-node-gpu'] as const) {
    if (isChosen(engine)) yield await orFailed(engine, () => onNode(engine, {}));
  }
  const { chromiumRun } = await import('./chromium.js');
  for (const engine of ['webgpu', 'webgl'] as const) {
    const name = `chromium-${engine}`;
    if (isChosen(name)) yield await orFailed(name, () => chromiumRun(engine));
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
