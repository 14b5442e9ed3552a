import { planeBytes } from './planes';
import { uniform } from './philox';

/**
 * The factors by which dropout multiplies pooled features: 0 with probability `rate`, else 1/(1 − rate). Element (image, channel) is draw image·channels + channel of the stream.
 */
@unmanaged
export class Dropout {
  /** Planes of one pixel an image. */
  mask: usize;
  n: i32;
  channels: i32;
  rate: f64;
  seed: u32;
  stream: u32;
}

/** mask of images `from` to `to` (exclusive). */
export function dropout(address: usize, from: i32, to: i32): void {
  const op = changetype<Dropout>(address);
  const scale = <f32>(1 / (1 - op.rate));
  const pitchBytes = planeBytes(op.n);
  for (let image = from; image < to; image++) {
    for (let c = 0; c < op.channels; c++) {
      const at = <usize>(c >> 2) * pitchBytes + 16 * <usize>image + 4 * <usize>(c & 3);
      const isDropped = uniform(op.seed, op.stream, <u32>(image * op.channels + c)) < op.rate;
      store<f32>(op.mask + at, isDropped ? 0 : scale);
    }
  }
}
