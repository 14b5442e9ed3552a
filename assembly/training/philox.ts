/** Random numbers by Philox4x32-10, with the same bits as src/core/philox.ts. */

const ROUNDS: i32 = 10;
const M0: u64 = 0xd2511f53;
const M1: u64 = 0xcd9e8d57;
const W0: u32 = 0x9e3779b9;
const W1: u32 = 0xbb67ae85;

/** Draw `index` of a stream, uniform in [0, 1). */
export function uniform(seed: u32, stream: u32, index: u32): f64 {
  let c0 = index;
  let c1 = stream;
  let c2: u32 = 0;
  let c3: u32 = 0;
  let k0 = seed;
  let k1: u32 = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const product0 = M0 * <u64>c0;
    const product1 = M1 * <u64>c2;
    c0 = (<u32>(product1 >> 32)) ^ c1 ^ k0;
    c1 = <u32>product1;
    c2 = (<u32>(product0 >> 32)) ^ c3 ^ k1;
    c3 = <u32>product0;
    k0 += W0;
    k1 += W1;
  }
  return (<f64>(c0 >>> 5) * 67108864.0 + <f64>(c1 >>> 6)) / 9007199254740992.0;
}
