/** Writes HDF5 files by the library. */
import * as library from 'h5wasm';

let count = 0;

/** The bytes of a file. @param write adds its groups and arrays */
export async function hdf5File(write: (file: library.File) => void): Promise<Uint8Array> {
  const { FS } = await library.ready;
  const name = `/written${count++}.h5`;
  const file = new library.File(name, 'w');
  write(file);
  file.close();
  const bytes = FS.readFile(name);
  FS.unlink(name);
  return bytes;
}
