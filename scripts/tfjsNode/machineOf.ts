import { open } from 'node:fs/promises';

/** Of ELF's machines those that Node and TensorFlow know, by Node's names. */
const MACHINES: Readonly<Record<number, string>> = { 62: 'x64', 183: 'arm64' };

/** What a shared library is for: an architecture by Node's name, or what the file is instead. */
export async function machineOf(library: string): Promise<string> {
  const file = await open(library);
  try {
    const header = new DataView(new ArrayBuffer(20));
    await file.read(header, 0, 20);
    if (header.getUint32(0) !== 0x7f454c46) return 'no library of Linux';
    const machine = header.getUint16(18, true);
    return MACHINES[machine] ?? `machine ${machine}`;
  } finally {
    await file.close();
  }
}
