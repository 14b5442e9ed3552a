/** Descriptors: records in linear memory that assembly/ reads as `@unmanaged` classes. */
import type { Arena } from './arena.js';

type Type = 'u32' | 'f32' | 'f64';

/** The fields of a class in their order, with their types. Generated from assembly/: see `descriptors.ts` of each folder. */
export type Fields<K extends string> = Readonly<Record<K, Type>>;

/** Values of some fields. */
export type FieldValues<K extends string> = Partial<Readonly<Record<K, number>>>;

const WIDTH: Readonly<Record<Type, number>> = { u32: 4, f32: 4, f64: 8 };

/** Bytes of a record, and the byte offset of each field: each is aligned to its own width, as in AssemblyScript. */
export function layOut<K extends string>(fields: Fields<K>): { offsets: ReadonlyMap<string, number>; bytes: number } {
  const offsets = new Map<string, number>();
  let end = 0;
  for (const [name, type] of Object.entries<Type>(fields)) {
    const offset = Math.ceil(end / WIDTH[type]) * WIDTH[type];
    offsets.set(name, offset);
    end = offset + WIDTH[type];
  }
  return { offsets, bytes: end };
}

/** The byte offset of a field. */
export const offsetOf = <K extends string>(fields: Fields<K>, field: K): number =>
  layOut(fields).offsets.get(field) ?? 0;

/** A record with an address. */
export interface Descriptor<K extends string> {
  readonly address: number;
  /** The address of a field. */
  readonly addressOf: (field: K) => number;
  readonly set: (view: DataView, values: FieldValues<K>) => void;
}

/** Reserves a record with these fields. */
export function reserveDescriptor<K extends string>(arena: Arena, fields: Fields<K>): Descriptor<K> {
  const { offsets, bytes } = layOut(fields);
  const address = arena.reserve(bytes);
  const addressOf = (field: string): number => address + (offsets.get(field) ?? 0);
  return {
    address,
    addressOf,
    set(view, values) {
      for (const [field, value] of Object.entries<number | undefined>(values)) {
        if (value === undefined || !offsets.has(field)) continue;
        const type = fields[field as K];
        if (type === 'u32') view.setUint32(addressOf(field), value, true);
        else if (type === 'f32') view.setFloat32(addressOf(field), value, true);
        else view.setFloat64(addressOf(field), value, true);
      }
    },
  };
}
