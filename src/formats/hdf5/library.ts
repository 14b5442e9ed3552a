/**
 * Reads HDF5 by the library h5wasm: HDF5's own code in WebAssembly.
 *
 * Its file system is in memory and has one file, whose bytes are read when they are needed. So what a file refers to
 * outside (external links, arrays in other files) does not exist for it.
 */
import type { BlockCache } from './blockCache.js';
import type { Diagnostics } from './diagnostics.js';
import type { Hdf5Array, Hdf5Object } from './messages.js';

/** The package is optional: it is loaded for the first file. */
export const importLibrary = async () => import('h5wasm');

type Package = Awaited<ReturnType<typeof importLibrary>>;
type Module = Package['Module'];
type Metadata = ReturnType<Module['get_dataset_metadata']>;

/** What its file system is used for. Its types do not have `createFile`. */
interface FileSystem {
  createFile(parent: string, name: string, properties: object, canRead: boolean, canWrite: boolean): FileNode;
  unlink(path: string): void;
  readonly ErrnoError: new (code: number) => Error;
}

interface FileNode {
  id: number;
  mode: number;
  node_ops: object;
  stream_ops: object;
}

/** A file that the library, or this package, does not read. */
export class Hdf5Refusal extends Error {
  constructor(
    readonly expected: string,
    readonly got: string,
  ) {
    super(`expected ${expected}, got ${got}`);
  }
}

/** Objects of a file. A network of 13 layers with its optimizer has fewer than 3000. */
const MOST_OBJECTS = 50_000;
/** Groups in groups. Those of Keras are four deep; a group may contain itself. */
const MOST_LEVELS = 16;
/** Bytes of all attributes. The configuration of a network has some 30 kB. */
const MOST_TEXT = 2 ** 24;
/** Dimensions of an array in HDF5. */
const MOST_AXES = 32;

const NAME = 'file.h5';
const PATH = `/${NAME}`;
const EIO = 29;

const INTACT = 'an intact HDF5 file';

/** Makes the bytes of a file available under a path. */
function mount(fs: FileSystem, file: BlockCache): void {
  const { size } = file;
  const node = fs.createFile('/', NAME, {}, true, false);
  const date = new Date(0);
  const attributes = {
    ...{ dev: 1, ino: node.id, mode: node.mode, nlink: 1, uid: 0, gid: 0, rdev: 0, size },
    ...{ atime: date, mtime: date, ctime: date, blksize: 4096, blocks: Math.ceil(size / 4096) },
  };
  node.node_ops = { ...node.node_ops, getattr: () => attributes };
  node.stream_ops = {
    read(_stream: object, target: Uint8Array, at: number, length: number, position: number): number {
      try {
        return file.fill(position, target.subarray(at, at + length));
      } catch {
        throw new fs.ErrnoError(EIO);
      }
    },
    llseek(stream: { readonly position: number }, offset: number, whence: number): number {
      return offset + (whence === 1 ? stream.position : whence === 2 ? size : 0);
    },
  };
}

/** A name of PyTorch for a type of numbers; null for another. The library returns all of them little-endian. */
function dtypeOf({ type, size, signed }: Metadata, module: Module): string | null {
  const { H5T_FLOAT, H5T_INTEGER } = module.H5T_class_t;
  if (type === H5T_FLOAT.value) return [2, 4, 8].includes(size) ? `float${8 * size}` : null;
  if (type === H5T_INTEGER.value) return [1, 2, 4, 8].includes(size) ? `${signed ? '' : 'u'}int${8 * size}` : null;
  return null;
}

/** A file that is open. */
export class Hdf5File {
  private constructor(
    private readonly module: Module,
    private readonly fs: FileSystem,
    private readonly id: bigint,
    private readonly diagnostics: Diagnostics,
  ) {}

  /**
   * @param diagnostics which receive what the library writes
   * @throws Hdf5Refusal
   */
  static open({ Module: module, FS }: Package, file: BlockCache, diagnostics: Diagnostics): Hdf5File {
    const fs = FS as unknown as FileSystem;
    mount(fs, file);
    const id = module.open(PATH, module.H5F_ACC_RDONLY, false, -1, -1);
    if (id >= 0n) return new Hdf5File(module, fs, id, diagnostics);
    fs.unlink(PATH);
    throw new Hdf5Refusal(INTACT, diagnostics.cause());
  }

  close(): void {
    this.module.close_file(this.id);
    this.fs.unlink(PATH);
  }

  /** All groups and arrays with their attributes, without those behind links to other names or files. @throws Hdf5Refusal */
  objects(): Hdf5Object[] {
    const objects: Hdf5Object[] = [];
    const budget = { text: MOST_TEXT };
    const visit = (path: string, level: number): void => {
      if (path !== '/' && this.#isLink(path)) return;
      const attributes = this.#call(() => this.module.get_attribute_names(this.id, path));
      const array = this.#array(path);
      const names = array === null ? this.#call(() => this.module.get_names(this.id, path, false)) : [];
      if (objects.length === MOST_OBJECTS) throw new Hdf5Refusal(`at most ${MOST_OBJECTS} groups and arrays`, 'more');
      if (level > MOST_LEVELS) throw new Hdf5Refusal(`at most ${MOST_LEVELS} groups in each other`, 'more');
      objects.push({ path, texts: this.#texts(path, attributes, budget), array });
      for (const name of names) visit(path === '/' ? `/${name}` : `${path}/${name}`, level + 1);
    };
    visit('/', 0);
    return objects;
  }

  /** A block of an array. @param size its bytes @throws Hdf5Refusal */
  read(path: string, start: readonly number[], count: readonly number[], size: number): Uint8Array<ArrayBuffer> {
    const { module } = this;
    return this.#withMemory(size, (at) => {
      const [counts, starts, steps] = [count.map(BigInt), start.map(BigInt), count.map(() => 1n)];
      const status = this.#call(() => module.get_dataset_data(this.id, path, counts, starts, steps, BigInt(at)));
      if (status < 0) throw this.#refusal();
      return module.HEAPU8.slice(at, at + size);
    });
  }

  /** The result of a function of the library. @throws Hdf5Refusal if it fails */
  #call<T>(f: () => T): T {
    const result = this.#attempt(f);
    if (result === null || !this.diagnostics.isEmpty) throw this.#refusal();
    return result;
  }

  /** The result of a function of the library; null if it throws. */
  #attempt<T>(f: () => T): T | null {
    this.diagnostics.clear();
    try {
      return f();
    } catch (error) {
      // An error of WebAssembly leaves its memory in an unknown state, the library's own errors do not.
      if (error instanceof Error && error.name === 'RuntimeError') throw error;
      return null;
    }
  }

  #refusal(): Hdf5Refusal {
    return new Hdf5Refusal(INTACT, this.diagnostics.cause());
  }

  #isLink(path: string): boolean {
    this.diagnostics.clear();
    const { module, id } = this;
    const isSoft = (module.get_symbolic_link(id, path) as string | null) !== null;
    const isLink = isSoft || Object.hasOwn(module.get_external_link(id, path), 'filename');
    if (!this.diagnostics.isEmpty) throw this.#refusal();
    return isLink;
  }

  /** @returns null for a group */
  #array(path: string): Hdf5Array | null {
    const metadata = this.#attempt(() => this.module.get_dataset_metadata(this.id, path));
    if (metadata === null) return null;
    if (!this.diagnostics.isEmpty) throw this.#refusal();
    const { shape, chunks, virtual_sources } = metadata;
    const axes = shape ?? [];
    if (axes.length > MOST_AXES) throw new Hdf5Refusal(INTACT, `an array of ${axes.length} dimensions`);
    return {
      shape: [...axes],
      // An array without a shape has no elements.
      dtype: shape === null ? null : dtypeOf(metadata, this.module),
      isChunked: chunks !== null,
      isVirtual: virtual_sources !== undefined,
    };
  }

  #texts(path: string, names: readonly string[], budget: { text: number }): Hdf5Object['texts'] {
    const texts: Record<string, string | readonly string[]> = {};
    for (const name of names) {
      const text = this.#text(path, name, budget);
      // With a key of its own: a name may be __proto__.
      if (text !== null) Object.defineProperty(texts, name, { value: text, enumerable: true });
    }
    return texts;
  }

  /** An attribute that is text, or a list of it; null for another. */
  #text(path: string, name: string, budget: { text: number }): string | readonly string[] | null {
    const { module } = this;
    const metadata = this.#call(() => module.get_attribute_metadata(this.id, path, name));
    const { type, shape, size, total_size, vlen } = metadata;
    if (type !== module.H5T_class_t.H5T_STRING.value || shape === null) return null;
    const bytes = size * total_size;
    this.#spend(budget, bytes);
    const texts =
      bytes === 0
        ? []
        : this.#withMemory(bytes, (at) => {
            const status = this.#call(() => module.get_attribute_data(this.id, path, name, BigInt(at)));
            if (status < 0) throw this.#refusal();
            const starts = Array.from({ length: total_size }, (_, i) => at + i * size);
            if (!vlen) return starts.map((start) => this.#decode(start, size));
            const pointers = starts.map((start) => new DataView(module.HEAPU8.buffer).getUint32(start, true));
            const values = pointers.map((pointer) => {
              const end = pointer === 0 ? 0 : module.HEAPU8.indexOf(0, pointer);
              this.#spend(budget, end - pointer);
              return this.#decode(pointer, end - pointer);
            });
            module.reclaim_vlen_memory(this.id, path, name, BigInt(at));
            return values;
          });
    return shape.length === 0 ? texts[0] : texts;
  }

  #spend(budget: { text: number }, bytes: number): void {
    budget.text -= bytes;
    if (!(budget.text >= 0)) throw new Hdf5Refusal(`at most ${MOST_TEXT} bytes of attributes`, 'more');
  }

  /** Text of at most `length` bytes, which ends at the first zero. */
  #decode(start: number, length: number): string {
    const bytes = this.module.HEAPU8.slice(start, start + length);
    const end = bytes.indexOf(0);
    return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
  }

  #withMemory<T>(size: number, f: (at: number) => T): T {
    const at = this.module._malloc(size);
    if (at === 0) throw new Hdf5Refusal('a file whose parts fit into memory', `one with a part of ${size} bytes`);
    try {
      return f(at);
    } finally {
      this.module._free(at);
    }
  }
}
