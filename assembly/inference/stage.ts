import { clearBorders, depthwisePlane, planePitch } from '../shared/depthwisePlane';
import { meanPlane } from './meanPlane';
import { multiplyPanel } from './multiplyPanel';
import { packPixels, PixelOrder } from './packPixels';
import { poolPanel } from './poolPanel';

/**
 * A stage of the deploy form. Written by src/wasm/inference/layout.ts. Channels and depth are multiples of 8: the channels
 * that the network does not have get zero weights, and so zero activations.
 */
@unmanaged
export class Stage {
  /** [groups][depth][4]; for the stem, the windows of `packImage`. */
  pixels: usize;
  /** [channels/8][depth][8] */
  weight: usize;
  /** [channels] */
  bias: usize;
  /** [channels/4][2n+1][2n+1][4] */
  actWeight: usize;
  /** [channels] */
  actBias: usize;
  /** The next stage's pixels [·][channels][4], or the means [channels]. */
  output: usize;
  groups: i32;
  depth: i32;
  channels: i32;
  /** A `PoolMode`; see poolPanel.ts, also for `rows`, `columns` and `width`. */
  pool: i32;
  rows: i32;
  columns: i32;
  width: i32;
  /** The map's size after the pool. */
  h: i32;
  w: i32;
  /** Half width of the series activation's kernel. */
  n: i32;
  /** A `PixelOrder`: the form of the output. */
  order: i32;
  /** Byte offsets in the scratch of two planes and of one plane's output. A panel's product [groups][4][8] lies at 0. */
  low: usize;
  high: usize;
  map: usize;
}

/**
 * Runs panels of eight channels through a whole stage:
 * conv 1x1 → pool → ReLU → depthwise (2n+1)x(2n+1) → the next stage's pixels.
 * Panels are independent: any thread can run any of them, in its own scratch.
 *
 * Requires a `Stage` at `address`, scratch on a multiple of 16, and
 * 0 ≤ from ≤ to ≤ channels/8.
 * Loop order: panel by panel, so that a map is never complete in memory: a panel's product, its planes and their output
 * stay in L2.
 */
export function runPanels(address: usize, scratch: usize, from: i32, to: i32): void {
  const stage = changetype<Stage>(address);
  assert(((address | scratch) & 15) == 0, 'runPanels: pointers must lie on multiples of 16');
  assert(0 <= from && from <= to && 8 * to <= stage.channels, 'runPanels: panels must be those of the stage');
  const h = stage.h;
  const w = stage.w;
  const n = stage.n;
  const taps = (2 * n + 1) * (2 * n + 1);
  const pitchBytes: usize = 16 * <usize>planePitch(w, n);
  const low = scratch + stage.low;
  const high = scratch + stage.high;
  const map = scratch + stage.map;
  const inside: usize = 16 * <usize>n;
  clearBorders(low, h, w, n);
  clearBorders(high, h, w, n);
  for (let panel = from; panel < to; panel++) {
    multiplyPanel(
      scratch,
      stage.pixels,
      stage.weight + 32 * <usize>panel * stage.depth,
      stage.bias + 32 * <usize>panel,
      stage.groups,
      stage.depth,
    );
    poolPanel(
      low + inside,
      high + inside,
      pitchBytes,
      scratch,
      stage.pool,
      h,
      w,
      stage.rows,
      stage.columns,
      stage.width,
    );
    for (let half = 0; half < 2; half++) {
      const four = 2 * panel + half;
      depthwisePlane(
        map,
        half ? high : low,
        stage.actWeight + 16 * <usize>four * taps,
        stage.actBias + 16 * <usize>four,
        h,
        w,
        n,
      );
      if (stage.order == PixelOrder.mean) meanPlane(stage.output + 16 * <usize>four, map, h * w);
      else packPixels(stage.output + 64 * <usize>four, map, h, w, stage.channels, stage.order);
    }
  }
}
