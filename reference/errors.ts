/** The longest field of an error in characters: names of tensors may be long. */
const LONGEST = 1000;

/** The beginning of a long text, without half of a surrogate pair at its end. */
const shorten = (text: string): string =>
  text.length > LONGEST ? `${text.slice(0, LONGEST).replace(/\p{Cs}$/u, '')}…` : text;

/** Text in one line: names of tensors may have characters that a terminal obeys. `\x1b` stands for the character 0x1b. */
const printable = (text: string): string =>
  text.replace(/[\p{Cc}\p{Bidi_C}\u2028\u2029\p{Cs}]/gu, (character) => {
    const digits = character.charCodeAt(0).toString(16);
    return digits.length > 2 ? `\\u${digits.padStart(4, '0')}` : `\\x${digits.padStart(2, '0')}`;
  });

/**
 * The base class of the reference's errors. They have the names and fields of the errors of `vanillanet`, but
 * they are other classes, because this folder imports nothing of the project: test for `error.name`.
 */
export abstract class OracleError extends Error {
  static {
    setName(this, 'OracleError');
  }

  /** The function or tensor that refuses its input. */
  readonly op: string;
  readonly expected: string;
  readonly got: string;
  /** What to do about it, as a sentence; absent if there is no remedy. */
  declare readonly hint?: string;

  constructor(op: string, expected: string, got: string, hint?: string) {
    // A caller without types may pass anything.
    const [what, right, wrong] = [op, expected, got].map((field: unknown) =>
      typeof field === 'string' ? shorten(printable(field.slice(0, LONGEST + 1))) : `a value of type ${typeof field}`,
    );
    super(`${what}: expected ${right}, got ${wrong}`);
    this.op = what;
    this.expected = right;
    this.got = wrong;
    if (hint !== undefined) this.hint = hint;
  }
}

/** Sets the name as a literal, because minifiers rename classes. */
function setName(errorClass: { readonly prototype: Error }, name: string): void {
  Object.defineProperty(errorClass.prototype, 'name', { value: name, configurable: true, writable: true });
}

/** The rank or a size of a tensor is wrong. */
export class ShapeError extends OracleError {
  declare readonly name: 'ShapeError';
  static {
    setName(this, 'ShapeError');
  }
}

/** A parameter is outside its range. */
export class ParamError extends OracleError {
  declare readonly name: 'ParamError';
  static {
    setName(this, 'ParamError');
  }
}

/** The state lacks a tensor. */
export class WeightsError extends OracleError {
  declare readonly name: 'WeightsError';
  static {
    setName(this, 'WeightsError');
  }
}

/** The network cannot be fused. */
export class FusionError extends OracleError {
  declare readonly name: 'FusionError';
  static {
    setName(this, 'FusionError');
  }
}
