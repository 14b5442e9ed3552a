/** What became of each engine: a line for people, and all of it in a file for scripts. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Row } from './cross/row.js';

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

export function lineOf({ engine, status, device, reason, skipped, rows = [] }: EngineRun): string {
  if (status === 'SKIPPED') return `SKIPPED engine=${engine}: ${reason ?? 'for no reason'}`;
  const failed = rows.filter(({ ok }) => !ok).length;
  const worst = rows.reduce((most, row) => Math.max(most, row.worst), 0);
  const checks = `checks=${rows.length} failed=${failed} worst=${worst.toFixed(3)}`;
  return `RAN engine=${engine} device=${device ?? 'unknown'} ${checks}${skipped === undefined ? '' : ` SKIPPED ${skipped}`}`;
}

/** Engines that must not be skipped, by REQUIRE_ENGINES=cpu,webgpu. */
export const requiredEngines = (given = process.env['REQUIRE_ENGINES'] ?? ''): string[] =>
  given
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

/** The required that did not run; an unknown one, too. */
export const missing = (runs: readonly EngineRun[], required: readonly string[]): string[] =>
  required.filter((name) => !runs.some(({ engine, status }) => engine === name && status === 'RAN'));

export function writeReport(file: string, runs: readonly EngineRun[]): void {
  mkdirSync(dirname(file), { recursive: true });
  // JSON has no infinity.
  const finite = (_key: string, value: unknown): unknown =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  writeFileSync(file, `${JSON.stringify({ node: process.version, engines: runs }, finite, 2)}\n`);
}
