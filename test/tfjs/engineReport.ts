/** The results of the engines: a line each to read, and a JSON file for scripts. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { failed, type Row } from './cross/row.js';

export interface EngineRun {
  readonly engine: string;
  readonly status: 'RAN' | 'SKIPPED';
  /** A description, for example `SwiftShader (software)`. */
  readonly device?: string;
  readonly isHardware?: boolean;
  /** Why it was skipped. */
  readonly reason?: string;
  /** The part that was skipped, and why. */
  readonly skipped?: string;
  readonly rows?: readonly Row[];
}

/** The commands, and the engines that each runs. */
export const COMMANDS = {
  'npm test': ['cpu', 'wasm', 'vanillanet-wasm-plain', 'vanillanet-wasm-relaxed'],
  'npm run test:engines': ['webgpu', 'tfjs-node', 'tfjs-node-gpu', 'chromium-webgpu', 'chromium-webgl'],
} as const satisfies Record<string, readonly string[]>;

export type Command = keyof typeof COMMANDS;

const commandOf = (engine: string): string | undefined =>
  Object.entries<readonly string[]>(COMMANDS).find(([, engines]) => engines.includes(engine))?.[0];

/** Runs an engine. If it crashes its process or browser, it has failed, and the next engine can run. */
export async function orFailed(engine: string, run: () => Promise<EngineRun>): Promise<EngineRun> {
  try {
    return await run();
  } catch (error) {
    return { engine, status: 'RAN', rows: [failed('no crash', engine, String(error))] };
  }
}

/** A summary of the checks that ran and of the part that was skipped. */
function summaryOf({ rows = [], skipped }: EngineRun): string {
  const failed = rows.filter(({ ok }) => !ok).length;
  const worst = rows.reduce((most, row) => Math.max(most, row.worst), 0);
  const skippedPart = skipped === undefined ? '' : `, SKIPPED ${skipped}`;
  return `RAN ${rows.length} checks${skippedPart}; failed=${failed} worst=${worst.toFixed(3)}`;
}

export function lineOf(run: EngineRun): string {
  const { engine, status, device, reason } = run;
  if (status === 'SKIPPED') return `SKIPPED engine=${engine}: ${reason ?? 'no reason'}`;
  return `engine=${engine} device=${device ?? 'unknown'}: ${summaryOf(run)}`;
}

/** Engines that must not be skipped, by REQUIRE_ENGINES=cpu,webgpu. */
export const requiredEngines = (list = process.env['REQUIRE_ENGINES'] ?? ''): string[] =>
  list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

export const unknownEngines = (names: readonly string[]): string[] =>
  names.filter((name) => commandOf(name) === undefined);

/** The required engines of this command that did not run. */
export const missing = (runs: readonly EngineRun[], required: readonly string[], here: Command): string[] =>
  required.filter(
    (name) => commandOf(name) === here && !runs.some(({ engine, status }) => engine === name && status === 'RAN'),
  );

/** A line for each required engine: its summary, why it was skipped, or which command runs it. */
export const requirementsOf = (runs: readonly EngineRun[], required: readonly string[], here: Command): string[] =>
  required.map((name) => {
    const command = commandOf(name);
    const run = runs.find(({ engine }) => engine === name);
    if (command === undefined) return `REQUIRED ${name}: unknown`;
    if (command !== here) return `REQUIRED ${name}: run by ${command}`;
    if (run?.status === 'RAN') return `REQUIRED ${name}: ${summaryOf(run)}`;
    return `REQUIRED ${name}: SKIPPED, ${run?.reason ?? 'not selected'}`;
  });

export function writeReport(file: string, runs: readonly EngineRun[]): void {
  mkdirSync(dirname(file), { recursive: true });
  // JSON has no infinity.
  const finite = (_key: string, value: unknown): unknown =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  writeFileSync(file, `${JSON.stringify({ node: process.version, engines: runs }, finite, 2)}\n`);
}
