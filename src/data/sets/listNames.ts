/** Names in an error, and characters of each. */
const [MOST, LONGEST] = [5, 100];

/** The first names of a list, for an error: `a, b, c, d, e and 3 more`. */
export function listNames(names: readonly string[]): string {
  const shown = names.slice(0, MOST).map((name) => (name.length > LONGEST ? `${name.slice(0, LONGEST)}…` : name));
  return `${shown.join(', ')}${names.length > MOST ? ` and ${names.length - MOST} more` : ''}`;
}
