import { VanillaNetError } from '../src/core/errors.js';

/** A script cannot do what it was asked to do. */
export class ScriptError extends VanillaNetError {
  override readonly name: string = 'ScriptError';
}

/** The lines that a user reads of one error or of several: the message, then the hint. */
export const errorLines = (error: ScriptError | AggregateError): string[] =>
  (error instanceof AggregateError ? (error.errors as ScriptError[]) : [error]).map(({ message, hint }) =>
    [`${message}.`, hint ?? '']
      .join(' ')
      .trim()
      .replace(/\s*\n\s*/g, ' '),
  );
