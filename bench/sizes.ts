/** Sizes of the shipped modules in bytes. */
import { readdir, readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { table } from '../src/cli/print.js';

const FOLDER = 'dist/wasm';

export interface SizeRow {
  readonly module: string;
  readonly bytes: number;
  readonly gzip: number;
}

export async function measureSizes(): Promise<SizeRow[]> {
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith('.wasm')).sort();
  return Promise.all(
    names.map(async (module) => {
      const content = await readFile(`${FOLDER}/${module}`);
      return { module, bytes: content.length, gzip: gzipSync(content, { level: 9 }).length };
    }),
  );
}

export const formatSizes = (rows: readonly SizeRow[]): string =>
  table([['module', 'bytes', 'gzip'], ...rows.map(({ module, bytes, gzip }) => [module, bytes, gzip])]);
