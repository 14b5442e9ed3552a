import type { ErrorFields } from '../../src/core/errors.js';
import { ScriptError } from '../scriptError.js';

/** tfjs-node cannot be set up. Every error has a hint. */
export class SetupError extends ScriptError {
  override readonly name: string = 'SetupError';
  declare readonly hint: string;

  constructor(fields: ErrorFields & { readonly hint: string }, options?: ErrorOptions) {
    super(fields, options);
    this.hint = fields.hint;
  }
}

/** The machine lacks a program, a wheel, or access to a host. */
export class LackError extends SetupError {
  override readonly name: string = 'LackError';
}

/** Whether every error is a LackError. */
export const isLack = (error: AggregateError | SetupError): boolean =>
  error instanceof AggregateError
    ? error.errors.every((each) => each instanceof LackError)
    : error instanceof LackError;

/** Throws all problems at once, so that the user can solve them together. */
export function throwAll(problems: readonly SetupError[]): void {
  if (problems.length === 1) throw problems[0];
  if (problems.length > 1) throw new AggregateError(problems, 'several things are missing');
}
