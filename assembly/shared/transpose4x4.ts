/**
 * y[j][i] = rows[i][j]: transposes four rows of four float32; rows of y are `pitchBytes` apart.
 *
 * Requires no alignment.
 */
export function transpose4x4(y: usize, r0: v128, r1: v128, r2: v128, r3: v128, pitchBytes: usize = 16): void {
  const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  v128.store(y, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
  v128.store(y + pitchBytes, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7));
  v128.store(y + 2 * pitchBytes, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5));
  v128.store(y + 3 * pitchBytes, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7));
}
