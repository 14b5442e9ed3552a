import { ParamError } from '../core/errors.js';
import { messageOf } from '../core/messageOf.js';
import { isRecord } from '../core/check.js';
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
    throw new ParamError({ op: path, expected: 'JSON', got: messageOf(cause) }, { cause });
  }
  if (!isRecord(value)) {
    throw new ParamError({ op: path, expected: 'a JSON object', got: JSON.stringify(value).slice(0, QUOTED) });
  }
  return { ...value };
}
