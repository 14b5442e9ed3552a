import type { ErrorCase, OpSpec, Reference } from './opSpec.js';

/** Checks that each invalid call throws the error of its row, with the row's op, expected, got and hint. */
export function judgeErrors(ref: Reference, { op, errors }: OpSpec): void {
  for (const row of errors) judge(ref, `${op}: ${row.name}`, row);
}

function judge(ref: Reference, what: string, { run, error, op, expected, got, hint }: ErrorCase): void {
  try {
    run(ref);
  } catch (thrown) {
    if (!(thrown instanceof ref.OracleError)) throw thrown;
    const fields = { name: error, op, expected, got, ...(hint === undefined ? {} : { hint }) };
    for (const [field, want] of Object.entries(fields)) {
      const is = thrown[field as 'name' | 'op' | 'expected' | 'got' | 'hint'];
      if (is !== want) throw new Error(`${what}: ${field} is "${is}", not "${want}"`, { cause: thrown });
    }
    return;
  }
  throw new Error(`${what}: no error was thrown`);
}
