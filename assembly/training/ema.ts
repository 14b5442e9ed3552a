import { PANEL } from './adam';

/** The network's state, and its average over the steps, in blocks of the same order; float32. */
@unmanaged
export class Ema {
  average: usize;
  state: usize;
  /** A multiple of 4. */
  count: i32;
  /** 1 − decay. */
  rest: f32;
}

/**
 *     average ← average + (1 − decay)·(state − average)
 *
 * 4096 numbers a panel. As decay·average + (1 − decay)·state it would be off: the two
 * factors, rounded, do not add up to 1, and what is missing of an average over 25000
 * steps is as much as 0.1% of it.
 */
export function ema(address: usize, from: i32, to: i32): void {
  const op = changetype<Ema>(address);
  const rest = f32x4.splat(op.rest);
  const last: usize = 4 * <usize>min(to * PANEL, op.count);
  for (let at: usize = 4 * <usize>(from * PANEL); at < last; at += 16) {
    const average = v128.load(op.average + at);
    const step = f32x4.mul(rest, f32x4.sub(v128.load(op.state + at), average));
    v128.store(op.average + at, f32x4.add(average, step));
  }
}

/** average ↔ state, so that the network is the averaged one for a while. */
export function exchange(address: usize, from: i32, to: i32): void {
  const op = changetype<Ema>(address);
  const last: usize = 4 * <usize>min(to * PANEL, op.count);
  for (let at: usize = 4 * <usize>(from * PANEL); at < last; at += 16) {
    const average = v128.load(op.average + at);
    v128.store(op.average + at, v128.load(op.state + at));
    v128.store(op.state + at, average);
  }
}
