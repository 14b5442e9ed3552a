import { createTar } from 'nanotar';

/**
 * A tar archive of the given members. nanotar omits the empty blocks at the end if the members fill the last 10,240
 * bytes completely; they are added here.
 */
export function tarOf(members: Readonly<Record<string, Uint8Array | string>>): Uint8Array {
  const tar = createTar(
    Object.entries(members).map(([name, data]) => (name.endsWith('/') ? { name } : { name, data })),
  );
  const padded = new Uint8Array(tar.length + 1024);
  padded.set(tar);
  return padded;
}
