/** The training task, shared by bench/training.ts and the peers. This file contains constants and imports nothing. */

/** Configuration of the network. */
export const NETWORK = {
  form: 'train',
  dims: [64, 128, 256, 512],
  strides: [2, 2, 2],
  act_num: 3,
  drop_rate: 0,
  in_chans: 3,
  num_classes: 10,
  input_size: [32, 32],
} as const;

export const BATCH = 32;
/** Between 0 and 1, at which a runtime could skip work. */
export const LAMBDA = 0.5;
export const ADAM = { kind: 'adam', lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8 } as const;
/** eps of the official code and of this package. PyTorch's default is 1e-5. */
export const BATCH_NORM = { eps: 1e-6, momentum: 0.1 } as const;
export const SEED = 5;

const SMOOTHING = 0.1;
/** Random stream of the images, after the streams of the weights. */
const IMAGE_STREAM = 2 ** 20;

export interface TrainingBatch {
  /** [n, channels, height, width] */
  readonly x: Float32Array<ArrayBuffer>;
  /** [n, classes]: targets with label smoothing. */
  readonly targets: Float32Array<ArrayBuffer>;
}

/**
 * The batch of every step. The time of a step does not depend on the content of the images.
 *
 * @param uniform a number in [0, 1) for seed, stream and index
 */
export function drawBatch(uniform: (seed: number, stream: number, index: number) => number): TrainingBatch {
  const { in_chans, input_size, num_classes } = NETWORK;
  const size = BATCH * in_chans * input_size[0] * input_size[1];
  return {
    // About the range of a normalized photograph.
    x: Float32Array.from({ length: size }, (_, i) => 4 * uniform(SEED, IMAGE_STREAM, i) - 2),
    targets: Float32Array.from({ length: BATCH * num_classes }, (_, i) => {
      const [image, label] = [Math.floor(i / num_classes), i % num_classes];
      return SMOOTHING / num_classes + (image % num_classes === label ? 1 - SMOOTHING : 0);
    }),
  };
}
