/** Runs the cross-check on an engine, in Node or in a browser. */
import type * as core from '@tensorflow/tfjs-core';
import { describeEngine } from '../../src/entries/tfjs.js';
import { SHADER, type Arithmetic } from '../judges/arithmetic.js';
import { crossCheck, missingTrainingKernels } from '../tfjs/cross/crossCheck.js';
import { PARTS } from '../tfjs/cross/engine.js';
import type { Row } from '../tfjs/cross/row.js';

export interface CheckResult {
  readonly device: string;
  readonly isHardware: boolean;
  readonly rows: readonly Row[];
  readonly skipped?: string;
}

export async function check(tf: typeof core, name: string, arithmetic: Arithmetic): Promise<CheckResult> {
  // setBackend returns false if the backend is not available.
  if (!(await tf.setBackend(name)) || tf.getBackend() !== name) throw new Error(`tf.setBackend('${name}') failed`);
  const engine = { tf, parts: PARTS, arithmetic, ties: arithmetic === SHADER ? 'any' : 'first' } as const;
  const missingKernels = missingTrainingKernels(engine);
  const rows = await crossCheck(engine, (section) => {
    console.error(`  ${name}: ${section}`);
  });
  const { device, isHardware, canTrain } = describeEngine(tf);
  if (canTrain !== (missingKernels.length === 0)) throw new Error(`${name}: its report has canTrain ${canTrain}`);
  const result = { device, isHardware, rows };
  return missingKernels.length === 0 ? result : { ...result, skipped: `training: no ${missingKernels.join(', ')}` };
}
