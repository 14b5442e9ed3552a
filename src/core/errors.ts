import { escapeControls } from './escapeControls.js';

/** The fields of an error, from which its message is composed. */
export interface ErrorFields {
  /** The op, file or option that refused. */
  readonly op: string;
  readonly expected: string;
  readonly got: string;
  /** What to do about it, as a sentence; absent if there is no remedy. */
  readonly hint?: string | undefined;
}

/** The longest field of an error in characters: a damaged file may have names and values of megabytes. */
const LONGEST = 1000;

/** The beginning of a long text, without half of a surrogate pair at its end. */
const shorten = (text: string): string =>
  text.length > LONGEST ? `${text.slice(0, LONGEST).replace(/\p{Cs}$/u, '')}…` : text;

/** A field as text. Callers without types may pass names and options that are no text, or have none: `Symbol()`, `{}`. */
function textOf(field: unknown): string {
  if (typeof field === 'string') return shorten(escapeControls(field.slice(0, LONGEST + 1)));
  if (typeof field === 'symbol') return field.toString();
  return typeof field === 'object' || typeof field === 'function'
    ? `a value of type ${typeof field}`
    : `${field as number}`;
}

/** The base of every error that this package throws on purpose. Its message is `op: expected …, got …`. */
export abstract class VanillaNetError extends Error implements ErrorFields {
  static {
    setName(this, 'VanillaNetError');
  }

  readonly op: string;
  readonly expected: string;
  readonly got: string;
  declare readonly hint?: string;

  constructor(fieldsOfError: ErrorFields, options?: ErrorOptions) {
    // A caller without types may pass nothing.
    const { op, expected, got, hint } = (fieldsOfError as Partial<ErrorFields> | null | undefined) ?? {};
    const fields = { op: textOf(op), expected: textOf(expected), got: textOf(got) };
    super(`${fields.op}: expected ${fields.expected}, got ${fields.got}`, options);
    this.op = fields.op;
    this.expected = fields.expected;
    this.got = fields.got;
    if (hint !== undefined) this.hint = textOf(hint);
  }
}

/** A class of errors: readers of a format throw a WeightsError for weights, a DataError for a data set. */
export type ErrorClass = new (fields: ErrorFields, options?: ErrorOptions) => VanillaNetError;

/**
 * Sets the name of an error class to a literal, because minifiers rename classes. The name is on the prototype,
 * so that the first line of `stack` has it too.
 */
function setName(errorClass: { readonly prototype: Error }, name: string): void {
  Object.defineProperty(errorClass.prototype, 'name', { value: name, configurable: true, writable: true });
}

/** The rank or sizes of a tensor do not fit. */
export class ShapeError extends VanillaNetError {
  declare readonly name: 'ShapeError';
  static {
    setName(this, 'ShapeError');
  }
}

/** A hyper-parameter, configuration key or option is out of its range. */
export class ParamError extends VanillaNetError {
  declare readonly name: 'ParamError';
  static {
    setName(this, 'ParamError');
  }
}

/** A weight file or state dict is damaged, of another format or of another network. */
export class WeightsError extends VanillaNetError {
  declare readonly name: 'WeightsError';
  static {
    setName(this, 'WeightsError');
  }
}

/** A data set or image is missing, truncated or not what its name says. */
export class DataError extends VanillaNetError {
  declare readonly name: 'DataError';
  static {
    setName(this, 'DataError');
  }
}

/** This machine, runtime or build does not have the backend. */
export class BackendUnavailableError extends VanillaNetError {
  declare readonly name: 'BackendUnavailableError';
  static {
    setName(this, 'BackendUnavailableError');
  }
}

/** A thread of the data loader has ended unexpectedly. */
export class LoaderError extends VanillaNetError {
  declare readonly name: 'LoaderError';
  static {
    setName(this, 'LoaderError');
  }
}

/** Training cannot continue: a loss, weight or moment is not finite. */
export class TrainingError extends VanillaNetError {
  declare readonly name: 'TrainingError';
  static {
    setName(this, 'TrainingError');
  }
}
