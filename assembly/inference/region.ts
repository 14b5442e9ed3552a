import { linear } from './linear';
import { Image, packBytes, packImage } from './packImage';
import { runPanels } from './stage';
import { Region } from '../shared/team';

/** An `Image` of float32 planes: pixels in, windows out. */
export const REGION_PLANES: i32 = 0;
/** An `Image` of bytes, pixel by pixel. */
export const REGION_BYTES: i32 = 1;
/** A `Stage`. */
export const REGION_STAGE: i32 = 2;
/** A `Linear`. */
export const REGION_LINEAR: i32 = 3;

/** The classifier's operands: see linear.ts. */
@unmanaged
class Linear {
  y: usize;
  x: usize;
  weight: usize;
  bias: usize;
  depth: i32;
}

/**
 * Runs panels `from` to `to`, without `to`, of the region at `address`.
 * Requires 0 ≤ from ≤ to ≤ panels, and scratch that no other thread uses.
 */
export function runRegion(address: usize, scratch: usize, from: i32, to: i32): void {
  const region = changetype<Region>(address);
  assert(0 <= from && from <= to && to <= region.panels, 'runRegion: panels must be those of the region');
  const operands = region.operands;
  switch (region.kind) {
    case REGION_PLANES:
      packImage(changetype<Image>(operands), from, to);
      break;
    case REGION_BYTES:
      packBytes(changetype<Image>(operands), from, to);
      break;
    case REGION_STAGE:
      runPanels(operands, scratch, from, to);
      break;
    default: {
      const head = changetype<Linear>(operands);
      linear(head.y, head.x, head.weight, head.bias, head.depth, from, to);
    }
  }
}
