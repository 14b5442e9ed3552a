/** tfjs-node or tfjs-node-gpu, where somebody has installed it. */
import type * as core from '@tensorflow/tfjs-core';
import { createRequire } from 'node:module';
import { IEEE } from '../judges/arithmetic.js';
import type { EngineRun } from '../tfjs/engineReport.js';
import { check } from './check.js';

const PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];

/** From here, or from the package around. */
const REQUIRES = ['./package.json', '../../package.json'].map((from) => createRequire(new URL(from, import.meta.url)));

/** Node 23 took away what tfjs-node calls. */
function mendUtil(require: NodeJS.Require): void {
  const util = require('node:util') as Record<string, unknown>;
  util['isNullOrUndefined'] ??= (value: unknown) => value === null || value === undefined;
  util['isArray'] ??= Array.isArray;
}

function isInstalled(require: NodeJS.Require, name: string): boolean {
  try {
    return require.resolve(`${name}/package.json`) !== '';
  } catch {
    return false;
  }
}

export async function nodeTensorflow(): Promise<EngineRun> {
  const engine = 'tensorflow';
  const found = REQUIRES.flatMap((require) => PACKAGES.map((name) => ({ require, name }))).find(({ require, name }) =>
    isInstalled(require, name),
  );
  if (found === undefined) return { engine, status: 'SKIPPED', reason: `${PACKAGES.join(' or ')} is not installed` };
  mendUtil(found.require);
  let tf: typeof core;
  try {
    tf = found.require(found.name) as typeof core;
  } catch (error) {
    const [reason] = String(error).split('\n');
    return { engine, status: 'SKIPPED', reason: `${found.name} is installed, but its addon does not load: ${reason}` };
  }
  // The package's name proves nothing.
  const isHardware = (tf.backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice === true;
  const device = `${isHardware ? 'GPU' : 'cpu'} (${found.name})`;
  return { engine, status: 'RAN', device, isHardware, ...(await check(tf, engine, IEEE)) };
}
