import { ParamError } from '../core/errors.js';
import { readBytes } from '../io/readFile.js';

/** What of a file that is something else is quoted. */
const QUOTED = 40;

/** The object in a JSON file. @throws ParamError naming the file */
export async function readJsonObject(path: string): Promise<Readonly<Record<string, unknown>>> {
  const text = new TextDecoder().decode(await readBytes(path, ParamError));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const got = cause instanceof Error ? cause.message : 'other text';
    throw new ParamError({ op: path, expected: 'JSON', got }, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ParamError({ op: path, expected: 'a JSON object', got: JSON.stringify(value).slice(0, QUOTED) });
  }
  return { ...value };
}
