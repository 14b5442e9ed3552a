import { ParamError } from '../core/errors.js';
import { messageOf } from '../core/messageOf.js';
import { isRecord } from '../core/check.js';
import { readBytes } from '../io/readFile.js';

/** Characters of an invalid file that the message quotes. */
const QUOTED = 40;

/** Reads the object in a JSON file. @throws ParamError that names the file */
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
