import { linear } from './linear';
import { Image, packBytes, packImage } from './packImage';
import { runPanels } from './stage';
import { Region } from '../shared/team';

/** Values of `Region.kind`, and what `Region.operands` points at. */
export const enum RegionKind {
  /** An `Image` of float32 planes. */
  planes,
  /** An `Image` of interleaved bytes. */
  bytes,
  /** A `Stage`. */
  stage,
  /** A `Linear`. */
  linear,
}

/** The operands of the classifier: see linear.ts. */
@unmanaged
export class Linear {
  y: usize;
  x: usize;
  weight: usize;
  bias: usize;
  depth: i32;
}

/**
 * Runs panels `from` to `to` (exclusive) of the region at `address`.
 * Requires 0 ≤ from ≤ to ≤ panels, and scratch that no other thread uses.
 */
export function runRegion(address: usize, scratch: usize, from: i32, to: i32): void {
  const region = changetype<Region>(address);
  assert(0 <= from && from <= to && to <= region.panels, 'runRegion: panels must be those of the region');
  const operands = region.operands;
  switch (region.kind) {
    case RegionKind.planes:
      packImage(changetype<Image>(operands), from, to);
      break;
    case RegionKind.bytes:
      packBytes(changetype<Image>(operands), from, to);
      break;
    case RegionKind.stage:
      runPanels(operands, scratch, from, to);
      break;
    default: {
      const head = changetype<Linear>(operands);
      linear(head.y, head.x, head.weight, head.bias, head.depth, from, to);
    }
  }
}
