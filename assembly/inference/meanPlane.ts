/**
 * y[c] = (1/size) Σ map[·][c], four channels, f32.
 *
 * map [size][4], y [4]. Requires size ≥ 1; blocks must not overlap.
 * Loop order: pixel by pixel, then one division.
 */
export function meanPlane(y: usize, map: usize, size: i32): void {
  let total = v128.load(map);
  const end = map + 16 * <usize>size;
  for (map += 16; map < end; map += 16) total = f32x4.add(total, v128.load(map));
  v128.store(y, f32x4.div(total, f32x4.splat(<f32>size)));
}
