/**
 * The oracle's own errors: the same names and fields as those of `vanillanet`, but
 * classes of this room, which imports nothing of the project. Tell them by `name`.
 */
export abstract class OracleError extends Error {
  readonly op: string;
  readonly expected: string;
  readonly got: string;

  constructor(op: string, expected: string, got: string) {
    super(`${op}: expected ${expected}, got ${got}`);
    this.name = new.target.name;
    this.op = op;
    this.expected = expected;
    this.got = got;
  }
}

/** A tensor whose rank or sizes do not fit. */
export class ShapeError extends OracleError {}

/** A hyper-parameter outside its range. */
export class ParamError extends OracleError {}

/** A state dict that lacks a tensor. */
export class WeightsError extends OracleError {}

/** A network that cannot be fused. */
export class FusionError extends OracleError {}
