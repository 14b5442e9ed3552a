/** Writes batches into the memory of a network in training, and reads the results of a pass. */
import { ShapeError } from '../../core/errors.js';
import { checkLambda } from '../../core/trainingRules.js';
import { sizeOf, type FloatArray } from '../../core/tensor.js';
import type { TrainingMemory } from './memory.js';
import { pitchOf } from './planes.js';

/** The result of one pass over a batch. */
export interface Pass {
  /** The loss of each image, in nats. The loss of the batch is their mean. */
  readonly losses: Float64Array;
  /** [n, num_classes] */
  readonly logits: Float32Array;
}

/** Writes a batch. @throws ShapeError, ParamError before anything is written */
export function writeBatch(
  { config, n, layout, floats, view }: TrainingMemory,
  x: FloatArray,
  targets: FloatArray,
  lambda: number,
): void {
  const { in_chans, input_size, num_classes } = config;
  const shape = [n, in_chans, ...input_size];
  if (x.length !== sizeOf(shape)) {
    throw new ShapeError({ op: 'training', expected: `x [${shape.join(',')}]`, got: `${x.length} values` });
  }
  if (targets.length !== n * num_classes) {
    const expected = `targets [${n},${num_classes}]`;
    throw new ShapeError({ op: 'training', expected, got: `${targets.length} values` });
  }
  checkLambda(lambda);
  floats.set(x, layout.images / 4);
  floats.set(targets, layout.targets / 4);
  view.setFloat32(layout.lambda, lambda, true);
}

/** Reads the result of the last pass, as copies. */
export function readPass({ config, n, layout, floats, view }: TrainingMemory): Pass {
  const classes = config.num_classes;
  const { block } = layout.logits;
  const pitch = pitchOf(n) / 4;
  const logits = new Float32Array(n * classes);
  for (let i = 0; i < n; i++) {
    for (let c = 0; c < classes; c++) {
      logits[i * classes + c] = floats[block / 4 + (c >> 2) * pitch + 4 * i + (c & 3)];
    }
  }
  const losses = Float64Array.from({ length: n }, (_, i) => view.getFloat64(layout.losses + 8 * i, true));
  return { losses, logits };
}
