import { VanillaNetError, type ErrorFields } from '../../src/core/errors.js';

/** What keeps tfjs-node from being set up, and what its user can do about it. */
export class SetupError extends VanillaNetError {
  readonly remedy: string;

  constructor({ remedy, ...fields }: ErrorFields & { readonly remedy: string }, options?: ErrorOptions) {
    super(fields, options);
    this.remedy = remedy;
  }
}

/** What the machine lacks, be it a program or a host in reach: with it, all might be well. */
export class LackError extends SetupError {}

/** Whether nothing went wrong but that the machine lacks something. */
export const isLack = (error: AggregateError | SetupError): boolean =>
  error instanceof AggregateError
    ? error.errors.every((each) => each instanceof LackError)
    : error instanceof LackError;

/** All that is missing, so that it is mended at once and not one by one. */
export function throwAll(problems: readonly SetupError[]): void {
  if (problems.length === 1) throw problems[0];
  if (problems.length > 1) throw new AggregateError(problems, 'more than one thing is missing');
}

/** What an error has to say: a line for each thing that is missing. */
export const linesOf = (error: AggregateError | SetupError): string[] =>
  (error instanceof AggregateError ? (error.errors as SetupError[]) : [error]).map(({ message, remedy }) =>
    `${message}. ${remedy}`.replace(/\s*\n\s*/g, ' '),
  );
