/**
 * Compares two texts by their code points, as Python sorts strings. JavaScript's `<` and `sort` compare UTF-16 units, in
 * which characters above U+FFFF come before those from U+E000 on.
 *
 * @returns a negative number if `a` comes first, a positive one if `b` does, 0 for equal texts
 */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [unitA, unitB] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (unitA !== unitB) return rank(unitA) - rank(unitB);
  }
  return a.length - b.length;
}

const [FIRST_SURROGATE, LAST_SURROGATE] = [0xd800, 0xdfff];

/** The order of a UTF-16 unit: surrogates, the halves of code points above U+FFFF, after all others. */
const rank = (unit: number): number => (unit >= FIRST_SURROGATE && unit <= LAST_SURROGATE ? unit + 0x10000 : unit);
