/** The script of the thread that runs the HDF5 library: one file at a time. */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { messageOf } from '../../core/messageOf.js';
import { BlockCache } from './blockCache.js';
import { Diagnostics } from './diagnostics.js';
import { Hdf5File, Hdf5Refusal, importLibrary } from './library.js';
import type { Reply, Request, SharedMemory } from './messages.js';

/** Bytes of WebAssembly's memory: a chunk of an array that is inflated, and the array. */
const MOST_MEMORY = 2 ** 29;

/** What is used of `WebAssembly`, whose types are those of browsers. */
interface WithMemory {
  readonly Memory: { readonly prototype: { readonly buffer: ArrayBuffer; grow(pages: number): number } };
}

/** A file may state lengths that make the library allocate without end: then it must fail, as C's malloc does. */
function limitMemory(): void {
  const { prototype } = (globalThis as unknown as { readonly WebAssembly: WithMemory }).WebAssembly.Memory;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its object below
  const { grow } = prototype;
  prototype.grow = function (pages: number): number {
    if (this.buffer.byteLength + pages * 2 ** 16 > MOST_MEMORY) throw new RangeError('too much memory');
    return grow.call(this, pages);
  };
}

const diagnostics = new Diagnostics();

/** The library writes to the console. */
function collectLines(): void {
  const collect = (...values: readonly unknown[]): void => {
    diagnostics.add(values.map(String).join(' '));
  };
  Object.assign(console, { log: collect, warn: collect, error: collect });
}

const { state, bytes } = workerData as SharedMemory;

/** Fills `target` with bytes of the file, which the owner of this thread reads. */
function readFile(port: MessagePort, offset: number, target: Uint8Array): void {
  for (let done = 0; done < target.length; done += bytes.length) {
    const length = Math.min(bytes.length, target.length - done);
    Atomics.store(state, 0, 0);
    post(port, { kind: 'need', offset: offset + done, length });
    Atomics.wait(state, 0, 0);
    if (Atomics.load(state, 1) !== length) throw new Error('The file cannot be read.');
    target.set(bytes.subarray(0, length), done);
  }
}

function post(port: MessagePort, reply: Reply): void {
  port.postMessage(reply, reply.kind === 'block' ? [reply.bytes.buffer] : []);
}

async function main(port: MessagePort): Promise<void> {
  limitMemory();
  collectLines();
  const library = await importLibrary().catch((error: unknown) => {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
    post(port, { kind: 'missing', reason: isMissing ? 'none installed' : messageOf(error).split('\n')[0] });
    return null;
  });
  if (library === null) return;
  await library.ready;
  let file: Hdf5File | null = null;
  const answer = (request: Request): Reply => {
    diagnostics.clear();
    if (request.kind === 'read' && file !== null) {
      const { path, start, count, size } = request;
      return { kind: 'block', bytes: file.read(path, start, count, size) };
    }
    file?.close();
    file = null;
    if (request.kind !== 'open') return { kind: 'closed' };
    const cache = new BlockCache(request.size, (offset, target) => {
      readFile(port, offset, target);
    });
    file = Hdf5File.open(library, cache, diagnostics);
    return { kind: 'objects', objects: file.objects() };
  };
  port.on('message', (request: Request) => {
    try {
      post(port, answer(request));
    } catch (error) {
      // Any other error leaves the library in an unknown state, and ends the thread.
      if (!(error instanceof Hdf5Refusal)) throw error;
      post(port, { kind: 'refused', expected: error.expected, got: error.got });
    }
  });
  post(port, { kind: 'ready' });
}

if (parentPort !== null) await main(parentPort);
