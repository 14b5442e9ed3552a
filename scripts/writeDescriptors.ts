/** Writes the descriptors that src/wasm shares with assembly/: see descriptors.ts. */
import { writeFile } from 'node:fs/promises';
import { DESCRIPTORS, generateDescriptors, staleDescriptors } from './descriptors.js';

const stale = await staleDescriptors();
for (const { folder, file } of DESCRIPTORS) {
  if (stale.includes(file)) await writeFile(file, await generateDescriptors(folder));
  console.log(`${file}: ${stale.includes(file) ? 'written' : 'unchanged'}`);
}
