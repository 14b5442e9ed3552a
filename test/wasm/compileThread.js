/**
 * AssemblyScript's compiler in a thread. It uses globals in its inner loops, which are slow
 * in jest's context: there it takes three times as long.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parentPort } from 'node:worker_threads';
import * as asc from 'assemblyscript/asc';

/** `sources`: text by path, read in place of the files; `port`: where the answer goes. */
parentPort.on('message', async ({ flags, sources, port }) => {
  const stderr = asc.createMemoryStream();
  let wasm = null;
  const { error } = await asc.main(flags, {
    stderr,
    readFile: (name, base) => {
      const path = join(base, name);
      return sources.get(path) ?? readFile(path, 'utf8').catch(() => null);
    },
    writeFile: (_name, contents) => {
      wasm = contents;
    },
    listFiles: () => [],
  });
  port.postMessage({ wasm, error: error === null ? null : stderr.toString() });
});
