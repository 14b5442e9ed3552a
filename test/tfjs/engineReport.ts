/** What became of each engine: a line for people, and all of it in a file for scripts. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { failed, type Row } from './cross/row.js';

export interface EngineRun {
  readonly engine: string;
  readonly status: 'RAN' | 'SKIPPED';
  /** In words, such as `software (SwiftShader)`. */
  readonly device?: string;
  readonly isHardware?: boolean;
  /** Why it was skipped. */
  readonly reason?: string;
  /** What of it was skipped, and why. */
  readonly skipped?: string;
  readonly rows?: readonly Row[];
}

/** What runs each engine: no one command has them all. */
export const COMMANDS = {
  'npm test': ['cpu', 'wasm', 'vanillanet-wasm-plain', 'vanillanet-wasm-relaxed'],
  'npm run test:engines': ['webgpu', 'tfjs-node', 'tfjs-node-gpu', 'chromium-webgpu', 'chromium-webgl'],
} as const satisfies Record<string, readonly string[]>;

export type Command = keyof typeof COMMANDS;

const commandOf = (engine: string): string | undefined =>
  Object.entries<readonly string[]>(COMMANDS).find(([, engines]) => engines.includes(engine))?.[0];

/** What became of an engine: one that takes its process or browser with it has failed, and the next one's turn comes. */
export async function orFailed(engine: string, run: () => Promise<EngineRun>): Promise<EngineRun> {
  try {
    return await run();
  } catch (error) {
    return { engine, status: 'RAN', rows: [failed('to its end', engine, String(error))] };
  }
}

/** What ran of an engine, and what did not. */
function extentOf({ rows = [], skipped }: EngineRun): string {
  const failed = rows.filter(({ ok }) => !ok).length;
  const worst = rows.reduce((most, row) => Math.max(most, row.worst), 0);
  const left = skipped === undefined ? '' : `, SKIPPED ${skipped}`;
  return `RAN ${rows.length} checks${left}; failed=${failed} worst=${worst.toFixed(3)}`;
}

export function lineOf(run: EngineRun): string {
  const { engine, status, device, reason } = run;
  if (status === 'SKIPPED') return `SKIPPED engine=${engine}: ${reason ?? 'for no reason'}`;
  return `engine=${engine} device=${device ?? 'unknown'}: ${extentOf(run)}`;
}

/** Engines that must not be skipped, by REQUIRE_ENGINES=cpu,webgpu. */
export const requiredEngines = (given = process.env['REQUIRE_ENGINES'] ?? ''): string[] =>
  given
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

export const unknownEngines = (names: readonly string[]): string[] =>
  names.filter((name) => commandOf(name) === undefined);

/** Of what this command runs, the required that did not. */
export const missing = (runs: readonly EngineRun[], required: readonly string[], here: Command): string[] =>
  required.filter(
    (name) => commandOf(name) === here && !runs.some(({ engine, status }) => engine === name && status === 'RAN'),
  );

/** What became of each that is required: what ran of it, why nothing did, or who runs it. */
export const requirementsOf = (runs: readonly EngineRun[], required: readonly string[], here: Command): string[] =>
  required.map((name) => {
    const command = commandOf(name);
    const run = runs.find(({ engine }) => engine === name);
    if (command === undefined) return `REQUIRED ${name}: nobody knows it`;
    if (command !== here) return `REQUIRED ${name}: not here, ${command} runs it`;
    if (run?.status === 'RAN') return `REQUIRED ${name}: ${extentOf(run)}`;
    return `REQUIRED ${name}: SKIPPED, ${run?.reason ?? 'not chosen'}`;
  });

export function writeReport(file: string, runs: readonly EngineRun[]): void {
  mkdirSync(dirname(file), { recursive: true });
  // JSON has no infinity.
  const finite = (_key: string, value: unknown): unknown =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  writeFileSync(file, `${JSON.stringify({ node: process.version, engines: runs }, finite, 2)}\n`);
}
