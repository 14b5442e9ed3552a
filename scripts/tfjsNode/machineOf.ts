import { open } from 'node:fs/promises';

/** Machines of ELF files by Node's names of architectures. */
const MACHINES: Readonly<Record<number, string>> = { 62: 'x64', 183: 'arm64' };

/** The architecture of a shared library by Node's name, or a description of another file. */
export async function machineOf(library: string): Promise<string> {
  const file = await open(library);
  try {
    const header = new DataView(new ArrayBuffer(20));
    await file.read(header, 0, 20);
    if (header.getUint32(0) !== 0x7f454c46) return 'a file that is not a Linux library';
    const machine = header.getUint16(18, true);
    return MACHINES[machine] ?? `machine ${machine}`;
  } finally {
    await file.close();
  }
}
