/**
 * Throws for a case that the types exclude, so that a new member of a union is a compile error where it is called.
 *
 * @param value never, if all cases are handled
 * @throws Error always: an internal error
 */
export function unreachable(value: never): never {
  throw new Error(`internal error: no case for ${JSON.stringify(value)}`);
}
