/** Loads an engine of Node by name, as the command line does, and runs the cross-check. */
import { BackendUnavailableError } from '../../src/core/errors.js';
import { loadEngine } from '../../src/tfjs/node/engines.js';
import { IEEE, SHADER } from '../judges/arithmetic.js';
import type { EngineRun } from '../tfjs/engineReport.js';
import { check } from './check.js';

const ARITHMETIC = { webgpu: SHADER, 'tfjs-node': IEEE, 'tfjs-node-gpu': IEEE } as const;

export type NodeEngine = keyof typeof ARITHMETIC;

export async function nodeEngine(engine: NodeEngine): Promise<EngineRun> {
  try {
    const { tf, report } = await loadEngine(engine);
    return { engine, status: 'RAN', ...(await check(tf, report.backend, ARITHMETIC[engine])) };
  } catch (error) {
    if (!(error instanceof BackendUnavailableError)) throw error;
    return { engine, status: 'SKIPPED', reason: error.got };
  }
}
