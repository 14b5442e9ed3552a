/** Recorded values by name, whatever file they are in. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeSafetensors } from '../../src/io/safetensors.js';

/** A list of numbers, or a text such as a digest. */
export type Entry = string | ArrayLike<number>;
export type Entries = ReadonlyMap<string, Entry>;

const isNumbers = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length > 0 && value.every((v) => typeof v === 'number');

/** The leaves of a JSON value, by their paths. Lists of numbers are one leaf each. */
export function jsonEntries(value: unknown, path = ''): [string, Entry][] {
  if (typeof value === 'number') return [[path, [value]]];
  if (isNumbers(value)) return [[path, value]];
  if (typeof value !== 'object' || value === null) return [[path, String(value)]];
  const join = (key: string): string =>
    Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`;
  return Object.entries(value).flatMap(([key, child]) => jsonEntries(child, join(key)));
}

const readJson = async (file: string): Promise<[string, Entry][]> =>
  jsonEntries(JSON.parse(await readFile(file, 'utf8')));

/** A JSON file. */
export const readEntries = async (file: string): Promise<Entries> => new Map(await readJson(file));

/** test/image: `bytes: [begin, end]` in goldens.json is a part of goldens.bin. */
export async function readImageEntries(folder: string): Promise<Entries> {
  const blob = await readFile(join(folder, 'goldens.bin'));
  const entries = (await readJson(join(folder, 'goldens.json'))).map(([name, value]): [string, Entry] =>
    name.endsWith('.bytes') && typeof value !== 'string' ? [name, blob.subarray(value[0], value[1])] : [name, value],
  );
  return new Map(entries);
}

/** test/data/augment: every `bytes` is base64. */
export async function readAugmentEntries(folder: string): Promise<Entries> {
  const entries = (await readJson(join(folder, 'goldens.json'))).map(([name, value]): [string, Entry] =>
    name.endsWith('.bytes') && typeof value === 'string' ? [name, Buffer.from(value, 'base64')] : [name, value],
  );
  return new Map(entries);
}

/** The tensors of all safetensors files of a folder. */
async function readTensors(folder: string): Promise<[string, Entry][]> {
  const entries: [string, Entry][] = [];
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.safetensors')).sort();
  for (const file of files) {
    const { tensors, metadata } = decodeSafetensors(await readFile(join(folder, file)), file);
    for (const [key, text] of metadata) entries.push([`${file} ${key}`, text]);
    for (const [name, { data }] of tensors) entries.push([`${file} ${name}`, data]);
  }
  return entries;
}

/** test/reference/golden: safetensors files, and a manifest with their hashes. */
export const readReferenceEntries = async (folder: string): Promise<Entries> =>
  new Map([...(await readJson(join(folder, 'manifest.json'))), ...(await readTensors(folder))]);

/** conformance/vectors: for each group a JSON file with the cases, and a safetensors file with their tensors. */
export async function readConformanceEntries(folder: string): Promise<Entries> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  const cases = await Promise.all(
    files.map(async (file) =>
      (await readJson(join(folder, file))).map(([name, value]): [string, Entry] => [`${file} ${name}`, value]),
    ),
  );
  return new Map([...cases.flat(), ...(await readTensors(folder))]);
}
