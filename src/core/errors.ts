/** What went wrong, in fields first and in one sentence second. */
export interface ErrorFields {
  /** The op, file or option that refused. */
  readonly op: string;
  readonly expected: string;
  readonly got: string;
}

/** Every error this package throws on purpose: `op: expected …, got …`. */
export abstract class VanillaNetError extends Error implements ErrorFields {
  readonly op: string;
  readonly expected: string;
  readonly got: string;

  constructor({ op, expected, got }: ErrorFields, options?: ErrorOptions) {
    super(`${op}: expected ${expected}, got ${got}`, options);
    this.name = new.target.name;
    this.op = op;
    this.expected = expected;
    this.got = got;
  }
}

/** A tensor whose rank or sizes do not fit. */
export class ShapeError extends VanillaNetError {}

/** A hyper-parameter, configuration key or option outside its range. */
export class ParamError extends VanillaNetError {}

/** A weight file or state dict that is damaged, foreign or of another network. */
export class WeightsError extends VanillaNetError {}

/** A data set or image that is missing, truncated or not what its name says. */
export class DataError extends VanillaNetError {}

/** A backend that this machine or build does not have. */
export class BackendUnavailableError extends VanillaNetError {}

/** A thread that prepared images and is gone. */
export class LoaderError extends VanillaNetError {}

/** A training that cannot go on: its loss, a weight or a moment is no number. */
export class TrainingError extends VanillaNetError {}
