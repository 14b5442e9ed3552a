/** Instructions of the pickles of PyTorch, and whole files of them. */
import { bytes as byteString, dict, global, int, str, tuple } from '../data/sets/pickleWriter.js';
import { concat, numbers, zip, type RecordOptions } from './torchZip.js';

export { dict, global, int, list, str, tuple } from '../data/sets/pickleWriter.js';

const REDUCE = 0x52;
const BINPERSID = 0x51;

export const call = (name: string, ...args: number[][]): number[] => [
  ...global(name.slice(0, name.lastIndexOf('.')), name.slice(name.lastIndexOf('.') + 1)),
  ...tuple(...args),
  REDUCE,
];

/** A protocol 2 integer of 64 bits. */
export const long = (value: bigint): number[] => [
  ...[0x8a, 8],
  ...Array.from({ length: 8 }, (_, i) => Number((BigInt.asUintN(64, value) >> BigInt(8 * i)) & 255n)),
];

export const text = (value: string): number[] => [0x58, ...numbers([value.length, 4]), ...Buffer.from(value)];
export const large = (value: Uint8Array): number[] => byteString(value);

export interface TensorOptions {
  readonly storage?: string;
  readonly key?: string;
  readonly device?: string;
  readonly count?: number;
  readonly offset?: number;
  readonly shape?: readonly number[];
  readonly strides?: readonly number[];
  /** More arguments of the call. */
  readonly more?: readonly number[][];
  /** Instead of the storage. */
  readonly reference?: number[];
}

/** A storage of float32. */
export const storage = ({
  storage: type = 'torch.FloatStorage',
  key = '0',
  device = 'cpu',
  count = 6,
}: TensorOptions = {}): number[] => [
  ...tuple(str('storage'), global('torch', type.replace('torch.', '')), str(key), str(device), int(count)),
  BINPERSID,
];

/** A tensor [2, 3] of float32. */
export const tensor = (options: TensorOptions = {}): number[] =>
  call(
    'torch._utils._rebuild_tensor_v2',
    options.reference ?? storage(options),
    int(options.offset ?? 0),
    tuple(...(options.shape ?? [2, 3]).map(int)),
    tuple(...(options.strides ?? [3, 1]).map(int)),
    [0x89],
    call('collections.OrderedDict'),
    ...(options.more ?? []),
  );

export const pickle = (instructions: number[], protocol = 2): Uint8Array =>
  concat([0x80, protocol], instructions, [0x2e]);

export const VALUES = Float32Array.of(1, 2, 3, 4, 5, 6);
const STORAGE = new Uint8Array(VALUES.buffer);

/** A checkpoint with a storage of six float32. @param records more, or others of the same names */
export function checkpoint(
  instructions: number[],
  records: readonly RecordOptions[] = [],
  folder = 'net/',
): Uint8Array {
  const usual: RecordOptions[] = [
    { name: `${folder}data.pkl`, data: pickle(instructions) },
    { name: `${folder}byteorder`, data: Buffer.from('little') },
    { name: `${folder}data/0`, data: STORAGE },
    { name: `${folder}version`, data: Buffer.from('3\n') },
  ];
  const names = new Set(records.map(({ name }) => name));
  return zip([...usual.filter(({ name }) => !names.has(name)), ...records]);
}

export interface LegacyOptions {
  readonly magic?: number[];
  readonly version?: number[];
  readonly system?: number[];
  readonly keys?: number[];
  /** Instead of the number of elements. */
  readonly count?: bigint;
  readonly data?: Uint8Array;
}

const MAGIC = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/** A checkpoint in the legacy format with a storage of six float32. */
export const legacy = (instructions: number[], options: LegacyOptions = {}): Uint8Array =>
  concat(
    pickle(options.magic ?? MAGIC),
    pickle(options.version ?? int(1001)),
    pickle(options.system ?? dict({ little_endian: [0x88], protocol_version: int(1001) })),
    pickle(instructions),
    pickle(options.keys ?? [0x5d, ...str('0'), 0x61]),
    new Uint8Array(new BigInt64Array([options.count ?? 6n]).buffer),
    options.data ?? STORAGE,
  );
