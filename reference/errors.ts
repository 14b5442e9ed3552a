/**
 * The reference's own errors: the same names and fields as those of `vanillanet`, but other classes,
 * because this folder imports nothing of the project. Test for `error.name`.
 */
export abstract class OracleError extends Error {
  readonly op: string;
  readonly expected: string;
  readonly got: string;
  /** What to do about it, as a sentence; absent if there is no remedy. */
  declare readonly hint?: string;

  constructor(op: string, expected: string, got: string, hint?: string) {
    super(`${op}: expected ${expected}, got ${got}`);
    this.op = op;
    this.expected = expected;
    this.got = got;
    if (hint !== undefined) this.hint = hint;
  }
}

/** Gives a class its name as a literal, on the prototype: minifiers rename classes. */
function setName(errorClass: { readonly prototype: Error }, name: string): void {
  Object.defineProperty(errorClass.prototype, 'name', { value: name, configurable: true, writable: true });
}

/** The rank or sizes of a tensor do not fit. */
export class ShapeError extends OracleError {
  declare readonly name: 'ShapeError';
  static {
    setName(this, 'ShapeError');
  }
}

/** A hyper-parameter is out of its range. */
export class ParamError extends OracleError {
  declare readonly name: 'ParamError';
  static {
    setName(this, 'ParamError');
  }
}

/** A state dict lacks a tensor. */
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
