/**
 * Counts the memory that code asks for: imported first, it replaces the constructors of buffers, typed arrays and
 * WebAssembly memories by ones that add up sizes. So memory counts that is freed at once, or never touched. What native
 * code allocates (zlib, sharp, files) and objects on the heap are seen by V8's statistics, see `measureHeap`.
 */
import { getHeapStatistics } from 'node:v8';

let requested = 0;

type Constructor = abstract new (...parameters: never[]) => object;

const isCount = (value: unknown): value is number => typeof value === 'number' && value > 0 && Number.isFinite(value);

/** A constructor that counts before it allocates: a request that fails counts, too. */
function counting<T extends Constructor>(original: T, bytesOf: (parameters: readonly unknown[]) => number): T {
  const counted: T = new Proxy(original, {
    construct(target, parameters: unknown[], newTarget) {
      requested += bytesOf(parameters);
      return Reflect.construct(target, parameters, newTarget === counted ? target : newTarget) as object;
    },
  });
  // `slice`, `map` and others construct by the species of this property.
  Object.defineProperty(original.prototype, 'constructor', { value: counted, configurable: true, writable: true });
  return counted;
}

/** The elements of a typed array: of a length or another list; none of a view of a buffer. */
function elementsOf([source]: readonly unknown[]): number {
  if (isCount(source)) return source;
  if (typeof source !== 'object' || source === null || source instanceof Buffers.ArrayBuffer) return 0;
  if (source instanceof Buffers.SharedArrayBuffer) return 0;
  const { length } = Object.getOwnPropertyDescriptors(source) as { length?: { value?: unknown } };
  if (ArrayBuffer.isView(source)) return (source as Uint8Array).length;
  return isCount(length?.value) ? length.value : 0;
}

const Buffers = { ArrayBuffer, SharedArrayBuffer };

const ARRAYS = [
  ...['Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array'],
  ...['Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array'],
] as const;

/** Bytes of a page of WebAssembly's memory. */
const PAGE = 65536;

interface WasmMemoryConstructor {
  new (descriptor: object): object;
  readonly prototype: { grow: (this: object, pages: number) => number };
}

function install(): void {
  const realm = globalThis as unknown as Record<string, Constructor & { readonly BYTES_PER_ELEMENT: number }>;
  for (const name of ARRAYS) {
    const original = realm[name];
    realm[name] = counting(original, (parameters) => elementsOf(parameters) * original.BYTES_PER_ELEMENT);
  }
  for (const name of ['ArrayBuffer', 'SharedArrayBuffer']) {
    realm[name] = counting(realm[name], ([length]) => (isCount(length) ? length : 0));
  }
  const buffers = Buffer as unknown as Record<string, (size: unknown, ...rest: unknown[]) => Buffer>;
  for (const name of ['alloc', 'allocUnsafe', 'allocUnsafeSlow']) {
    const original = buffers[name];
    buffers[name] = (size, ...rest) => {
      if (isCount(size)) requested += size;
      return original(size, ...rest);
    };
  }
  const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly: { Memory: WasmMemoryConstructor } };
  const { grow } = wasm.Memory.prototype;
  wasm.Memory = counting(wasm.Memory, ([descriptor]) => {
    const { initial } = (descriptor ?? {}) as { initial?: unknown };
    return isCount(initial) ? initial * PAGE : 0;
  });
  wasm.Memory.prototype.grow = function (pages) {
    if (isCount(pages)) requested += pages * PAGE;
    return grow.call(this, pages);
  };
}

install();

/** Garbage and objects of a call that are not worth counting: the heap is not collected after every call. */
const HEAP_ALLOWANCE = 32 * 2 ** 20;

/** Bytes on the heap and in native memory, such as buffers. */
function measureHeap(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

/**
 * Starts to count.
 *
 * @returns the bytes since then: the requested ones, or those by which heap and native memory have grown by more than
 *   32 MiB, whichever are more
 */
export function countAllocations(): () => number {
  const [before, heap] = [requested, measureHeap()];
  return () => Math.max(requested - before, measureHeap() - heap - HEAP_ALLOWANCE);
}
