/** Readers of weights. */
import { decodeSafetensors } from '../../../src/io/safetensors.js';
import { streamSafetensors } from '../../../src/io/safetensorsStream.js';
import { readShardIndex } from '../../../src/io/shardIndex.js';
import { cutShards } from '../../../src/io/cutShards.js';
import { WEIGHT_FILES } from '../fixtures.js';
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
function mutateParts(random: Random, file: Uint8Array): Uint8Array {
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

export const targets: readonly Target[] = [
  reader('weights.decodeSafetensors', drawWeightFile, (bytes) => decodeSafetensors(bytes)),
  reader('weights.streamSafetensors', drawWeightFile, readStreamed),
  reader(
    'weights.readShardIndex',
    (random) => mutateJson(random, JSON.parse(JSON.stringify(INDICES)) as []),
    (bytes) => readShardIndex(new TextDecoder().decode(bytes)),
  ),
];
