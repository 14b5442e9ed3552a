/**
 * `npm run test:engines [-- ENGINE…]`: compares the engines of TensorFlow.js that need a browser, a driver or an addon
 * with the reference. Prints a line for each engine, and writes a JSON report (`--json FILE`). An engine that is not
 * available is skipped, or fails if REQUIRE_ENGINES names it. REQUIRE_ENGINES may also name the engines of `npm test`.
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

const { values, positionals: selection } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string', default: here('../../dist/reports/engines.json') } },
});

const HERE = 'npm run test:engines';
const ENGINES: readonly string[] = COMMANDS[HERE];

const required = requiredEngines();
const exitIfUnknown = (unknown: readonly string[], known: readonly string[]): void => {
  if (unknown.length === 0) return;
  console.error(`expected engines of ${known.join(', ')}, got ${unknown.join(', ')}`);
  process.exit(2);
};
exitIfUnknown(
  selection.filter((name) => !ENGINES.includes(name)),
  ENGINES,
);
exitIfUnknown(unknownEngines(required), Object.values(COMMANDS).flat());

/** Runs the cross-check and the command line on an engine of Node. */
async function onNode(engine: NodeEngine, env: NodeJS.ProcessEnv): Promise<EngineRun> {
  const run = await inChild(engine, env);
  if (run.status === 'SKIPPED') return run;
  const { commandLineRows } = await import('./commandLine.js');
  return { ...run, rows: [...(run.rows ?? []), ...(await commandLineRows(engine, run.isHardware ?? false, env))] };
}

/** Runs WebGPU with the system's driver, else with a software driver. */
async function onWebgpu(): Promise<EngineRun> {
  const env = { VANILLANET_ENGINES: here('.') };
  const run = await onNode('webgpu', env);
  return run.status === 'SKIPPED' ? onNode('webgpu', { ...env, ...swiftshader() }) : run;
}

async function* runEngines(): AsyncGenerator<EngineRun> {
  if (!existsSync(here('node_modules'))) {
    const reason = 'not installed: npm ci --prefix test/engines';
    for (const engine of ENGINES) yield { engine, status: 'SKIPPED', reason };
    return;
  }
  const isSelected = (engine: string): boolean => selection.length === 0 || selection.includes(engine);
  if (isSelected('webgpu')) yield await orFailed('webgpu', onWebgpu);
  for (const engine of ['tfjs-node', 'tfjs-node-gpu'] as const) {
    if (isSelected(engine)) yield await orFailed(engine, () => onNode(engine, {}));
  }
  const { chromiumRun } = await import('./chromium.js');
  for (const engine of ['webgpu', 'webgl'] as const) {
    const name = `chromium-${engine}`;
    if (isSelected(name)) yield await orFailed(name, () => chromiumRun(engine));
  }
}

const runs: EngineRun[] = [];
for await (const run of runEngines()) {
  runs.push(run);
  console.log(lineOf(run));
  for (const { ok, check, network, worst, at } of run.rows ?? []) {
    if (!ok) console.log(`  FAILED ${check}, ${network}: ${worst} at ${at}`);
  }
}
writeReport(values.json, runs);
for (const line of requirementsOf(runs, required, HERE)) console.log(line);
const skipped = missing(runs, required, HERE);
if (skipped.length > 0) console.log(`FAILED required, but skipped: ${skipped.join(', ')}`);
const hasFailed = runs.some(({ rows = [] }) => !rows.every(({ ok }) => ok));
process.exitCode = skipped.length > 0 || hasFailed ? 1 : 0;
