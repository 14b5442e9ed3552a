import { DataError } from '../../core/errors.js';
import { imageFormat } from '../../image/imageFormat.js';
import { HEAD, imageKind } from '../../io/fileKind.js';
import { openFile } from '../../io/openFile.js';
import { hintOf, reasonOf } from '../../io/reason.js';

/**
 * Accepts only PNG, JPEG and WebP. sharp reads more formats, among them SVG, which can refer to other files.
 *
 * @throws DataError that says what the file is, if the first bytes are those of another format
 */
export function checkHead(bytes: Uint8Array, name: string): void {
  if (imageFormat(bytes) !== null) return;
  const { name: got, hint } = imageKind(bytes.subarray(0, HEAD));
  throw new DataError({ op: name, expected: 'a PNG, JPEG or WebP image', got, hint });
}

/** Checks the first bytes of a file, without reading the rest. @throws DataError as `checkHead` does, and for pipes and devices */
export async function checkFileHead(path: string): Promise<void> {
  const refuse = (cause: unknown): never => {
    throw new DataError(
      { op: path, expected: 'a readable file', got: reasonOf(cause), hint: hintOf(cause) },
      { cause },
    );
  };
  const { file } = await openFile(path).catch(refuse);
  try {
    const head = new Uint8Array(HEAD);
    const { bytesRead } = await file.read(head, 0, HEAD, 0).catch(refuse);
    checkHead(head.subarray(0, bytesRead), path);
  } finally {
    await file.close();
  }
}
