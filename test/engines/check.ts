/** The cross-check of the engine at work in a `tf`, wherever that is. */
import type * as core from '@tensorflow/tfjs-core';
import { describeEngine } from '../../src/entries/tfjs.js';
import { SHADER, type Arithmetic } from '../judges/arithmetic.js';
import { crossCheck, lackedForTraining } from '../tfjs/cross/crossCheck.js';
import { PARTS } from '../tfjs/cross/engine.js';
import type { Row } from '../tfjs/cross/row.js';

export interface Checked {
  readonly device: string;
  readonly isHardware: boolean;
  readonly rows: readonly Row[];
  readonly skipped?: string;
}

export async function check(tf: typeof core, name: string, arithmetic: Arithmetic): Promise<Checked> {
  // False, and not an error, where it is not to be had.
  if (!(await tf.setBackend(name)) || tf.getBackend() !== name) throw new Error(`tf.setBackend('${name}') failed`);
  const engine = { tf, parts: PARTS, arithmetic, ties: arithmetic === SHADER ? 'any' : 'first' } as const;
  const lacked = lackedForTraining(engine);
  const rows = await crossCheck(engine, (section) => {
    console.error(`  ${name}: ${section}`);
  });
  const { device, isHardware, canTrain } = describeEngine(tf);
  if (canTrain !== (lacked.length === 0)) throw new Error(`${name}: its report says canTrain ${canTrain}`);
  const made = { device, isHardware, rows };
  return lacked.length === 0 ? made : { ...made, skipped: `training: no ${lacked.join(', ')}` };
}
