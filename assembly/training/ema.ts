import { PANEL } from './adam';

/** The state of the network and its moving average, in the same order; float32. */
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
 * 4096 numbers a panel. decay·average + (1 − decay)·state would be inexact: the two rounded factors do not add up to 1,
 * which after 25000 steps changes the average by up to 0.1%.
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

/** Exchanges the average and the state, to evaluate the average. */
export function exchange(address: usize, from: i32, to: i32): void {
  const op = changetype<Ema>(address);
  const last: usize = 4 * <usize>min(to * PANEL, op.count);
  for (let at: usize = 4 * <usize>(from * PANEL); at < last; at += 16) {
    const average = v128.load(op.average + at);
    v128.store(op.average + at, v128.load(op.state + at));
    v128.store(op.state + at, average);
  }
}
