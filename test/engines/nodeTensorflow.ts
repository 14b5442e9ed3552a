/** tfjs-node-gpu on a CUDA device or tfjs-node, where somebody has installed or built it. */
import { VanillaNetError } from '../../src/core/errors.js';
import { loadEngine } from '../../src/tfjs/node/engines.js';
import { IEEE } from '../judges/arithmetic.js';
import type { EngineRun } from '../tfjs/engineReport.js';
import { check } from './check.js';

export async function nodeTensorflow(): Promise<EngineRun> {
  const engine = 'tfjs-node';
  let reason = '';
  for (const name of ['tfjs-node-gpu', 'tfjs-node'] as const) {
    try {
      const { tf, report } = await loadEngine(name);
      return { engine, status: 'RAN', ...(await check(tf, report.backend, IEEE)) };
    } catch (error) {
      if (!(error instanceof VanillaNetError)) throw error;
      reason = error.got;
    }
  }
  return { engine, status: 'SKIPPED', reason };
}
