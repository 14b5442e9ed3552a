/** Readers of weights. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf } from '../../../src/core/messageOf.js';
import { fileKind, HEAD, textKind } from '../../../src/io/fileKind.js';
import { displayName, isUrl } from '../../../src/io/location.js';
import { readSafetensors } from '../../../src/io/readSafetensors.js';
import { readWeights } from '../../../src/io/weightsFile.js';
import { decodeSafetensors } from '../../../src/io/safetensors.js';
import { streamSafetensors } from '../../../src/io/safetensorsStream.js';
import { readShardIndex } from '../../../src/io/shardIndex.js';
import { cutShards } from '../../../src/io/cutShards.js';
import {
  loadModel,
  openShards,
  readConfig,
  type LoadModelOptions,
  type WeightsSource,
} from '../../../src/entries/index.js';
import { drawAnswer } from '../answers.js';
import { TINY, WEIGHT_FILES } from '../fixtures.js';
import { lazy } from '../lazy.js';
import { bytesOfText, concat, mutateBytes, type Field } from '../mutateBytes.js';
import { mutateJson, mutateValue } from '../mutateJson.js';
import type { Random } from '../random.js';
import { reader, type Target } from '../target.js';

const LENGTH: readonly Field[] = [{ at: 0, width: 8 }];
const WORDS = ['"__metadata__":', 'null', '"F16"', '"I8"', '"BF16"', '[0,0]', '{', '}', ',', '"shape":[]', '-1', '1e9']
  .concat(['9007199254740993', '"dtype":"F32"', '"data_offsets":[0,8]', '\\ud800'])
  .map(bytesOfText);

type Header = Record<string, { dtype: string; shape: number[]; data_offsets: number[] }>;

const headerOf = (file: Uint8Array): { header: Header; data: Uint8Array } => {
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length))) as Header;
  return { header, data: file.subarray(8 + length) };
};

/** A file from its parts, with the right length of the header. */
function assemble(header: unknown, data: Uint8Array): Uint8Array {
  const text = bytesOfText(JSON.stringify(header));
  const prefix = new Uint8Array(8);
  new DataView(prefix.buffer).setBigUint64(0, BigInt(text.length), true);
  return concat(prefix, text, data);
}

/** A file whose header is valid JSON with one wrong value, or whose data alone are damaged. */
export function mutateParts(random: Random, file: Uint8Array): Uint8Array {
  const { header, data } = headerOf(file);
  if (random.chance(0.5)) return assemble(header, mutateBytes(random, data, {}, 1));
  return assemble(mutateValue(random, header), data);
}

/** A weight file, mostly damaged. */
export function drawWeightFile(random: Random): Uint8Array {
  const file = random.pick(WEIGHT_FILES);
  if (random.chance(0.5)) return mutateParts(random, file);
  return mutateBytes(random, file, { fields: LENGTH, words: WORDS, others: WEIGHT_FILES });
}

/** The bytes in chunks of random sizes, also empty ones. */
export async function* inChunks(random: Random, bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length;) {
    const size = random.chance(0.1) ? 0 : random.integer(1, random.pick([16, 1000, bytes.length]));
    await Promise.resolve();
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function readStreamed(bytes: Uint8Array, random: Random): Promise<unknown> {
  const weights = await streamSafetensors(inChunks(random, bytes), 'file');
  const parts: unknown[] = [weights.metadata, weights.shapes];
  for await (const { name, offset, data } of weights.parts()) parts.push([name, offset, data.slice()]);
  return parts;
}

const INDICES = [1000, 10_000].map((limit) => cutShards(WEIGHT_FILES[1], { name: 'net', limit }).index);

/** How files of other kinds begin, which people take for weights. */
const BEGINNINGS = [
  '<!DOCTYPE html><html>',
  'version https://git-lfs.github.com/spec/v1\noid sha256:',
  'PK\x03\x04',
  '\x1f\x8b\x08',
]
  .concat([
    '\x80\x02}q\0',
    '\x93NUMPY\x01\0',
    'GGUF\x03\0\0\0',
    '\x89HDF\r\n\x1a\n',
    '\x08\x07\x12',
    '{"format":',
    '[1]',
    'ustar',
  ])
  .concat([
    'Not Found',
    '\xef\xbb\xbf{',
    '\0asm\x01\0\0\0',
    '%PDF-1.7',
    '\x89PNG\r\n',
    '7z\xbc\xaf\x27\x1c',
    'BZh9',
    '#!/bin/sh',
  ])
  .map((each) => Uint8Array.from(each, (letter) => letter.charCodeAt(0)));

/** A file of another kind, or weights. */
function drawAnyFile(random: Random): Uint8Array {
  if (random.chance(0.4)) return drawWeightFile(random);
  return concat(random.pick(BEGINNINGS), random.bytes(random.integer(0, 64)));
}

async function load(weights: WeightsSource, options: LoadModelOptions = {}): Promise<unknown> {
  const model = await loadModel(weights, { build: 'plain', timeout: 1000, ...options });
  const logits = await model.forward(new Float32Array(3 * 16 * 16));
  model.dispose();
  return logits;
}

/** The bytes as one of the sources that `loadModel` takes. */
function sourceOf(random: Random, bytes: Uint8Array): WeightsSource {
  const copy = new Uint8Array(bytes);
  switch (random.integer(0, 4)) {
    case 0:
      return copy;
    case 1:
      return copy.buffer;
    case 2:
      return new Blob([copy]);
    case 3:
      return new Response(copy);
    default:
      return inChunks(random, copy);
  }
}

/** Shards that are damaged, missing or exchanged. */
async function loadShards(bytes: Uint8Array, random: Random): Promise<unknown> {
  const { index, shards } = cutShards(WEIGHT_FILES[1], { name: 'net', limit: random.integer(400, 4000) });
  const damaged = random.pick([...shards.keys()]);
  return load(
    openShards(JSON.stringify(index), (file) => {
      if (file !== damaged) return shards.get(file);
      return random.pick([null, bytes, shards.get(file), mutateBytes(random, shards.get(file) ?? bytes)]);
    }),
  );
}

/** Weights from a server that answers anything. */
const loadAnswer = (bytes: Uint8Array, random: Random): Promise<unknown> =>
  load('http://host/net.safetensors', {
    retries: random.integer(0, 1),
    // eslint-disable-next-line @typescript-eslint/require-await -- an error must reject
    fetch: async () => drawAnswer(random, bytes),
  });

const CONFIGS = JSON.parse(
  JSON.stringify([TINY, { variant: 'vanillanet_5' }, { dims: [4, 8], strides: [2], ada_pool: [3], lambda: 0.5 }]),
) as readonly [];

const readDescription = (bytes: Uint8Array): unknown =>
  readConfig(new Map([['vanillanet', new TextDecoder().decode(bytes)]]));

/** A load compiles a module and may start threads. */
const LOAD = { allowance: 2 ** 23 };

const file = lazy(() => join(mkdtempSync(join(tmpdir(), 'weights-')), 'net'));

/** A file on disk, by an ending that makes it an index or not. */
function readFromDisk(bytes: Uint8Array, random: Random): Promise<unknown> {
  const path = `${file()}${random.pick(['.safetensors', '.json', ''])}`;
  writeFileSync(path, bytes);
  return random.chance(0.5) ? readWeights(path, random.pick([{}, { config: TINY }])) : readSafetensors(path);
}

/** Both names of what a file is, which the pages of servers in the place of shards have, too. */
const recognize = (bytes: Uint8Array): unknown => {
  const head = bytes.subarray(0, HEAD);
  const kinds = [fileKind(head), textKind(head)];
  for (const kind of kinds)
    if (kind !== null && !/[.:].*\.$/.test(`:${kind.hint}`)) throw new Error(`a hint: ${kind.hint}`);
  return kinds;
};

const SCHEMES = [
  '',
  'http://',
  'https://me:word@',
  'data:',
  'blob:',
  'file:',
  'file:///',
  's3://',
  'hf:',
  'c:/',
  'C:\\',
  '\0',
];
const PARTS = [
  'host/',
  '%zz',
  '?token=',
  '#',
  '@',
  ',',
  ';base64,',
  '../',
  '\0',
  'ü',
  '\ud800',
  ':8080',
  ' ',
  '//',
  'x'.repeat(300),
];

/** A file that exists. */
const wholeFile = lazy(() => {
  const path = `${file()}-whole.safetensors`;
  writeFileSync(path, WEIGHT_FILES[0]);
  return path;
});

function drawLocation(random: Random): Uint8Array {
  if (random.chance(0.02)) return bytesOfText(random.pick([wholeFile(), pathToFileURL(wholeFile()).href]));
  return bytesOfText(random.pick(SCHEMES) + Array.from({ length: random.few(6) }, () => random.pick(PARTS)).join(''));
}

/** A load from a location, of which few exist. What comes of a URL is an error, whose message hides its secrets. */
async function loadLocation(bytes: Uint8Array): Promise<unknown> {
  const location = new TextDecoder().decode(bytes);
  const [shown, isRead] = [displayName(location), isUrl(location)];
  const fetch = (): Promise<never> => Promise.reject(new Error('fetch failed'));
  try {
    return [shown, isRead, await load(location, { fetch, retries: 0 })];
  } catch (error) {
    if (isRead && /^https?:/.test(location) && messageOf(error).includes('me:word'))
      throw new Error('a secret', { cause: error });
    throw error;
  }
}

export const targets: readonly Target[] = [
  reader('weights.decodeSafetensors', drawWeightFile, (bytes) => decodeSafetensors(bytes)),
  reader('weights.streamSafetensors', drawWeightFile, readStreamed),
  reader(
    'weights.readShardIndex',
    (random) => mutateJson(random, JSON.parse(JSON.stringify(INDICES)) as []),
    (bytes) => readShardIndex(new TextDecoder().decode(bytes)),
  ),
  reader('weights.readConfig', (random) => mutateJson(random, CONFIGS), readDescription),
  reader('weights.fileKind', drawAnyFile, recognize),
  reader('weights.readWeights', drawAnyFile, readFromDisk),
  reader('weights.location', drawLocation, loadLocation, LOAD),
  reader('weights.loadModel', drawAnyFile, (bytes, random) => load(sourceOf(random, bytes)), LOAD),
  reader('weights.shards', drawWeightFile, loadShards, LOAD),
  reader('weights.answer', drawAnyFile, loadAnswer, { ...LOAD, isDeterministic: false }),
];
