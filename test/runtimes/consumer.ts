/** A user's project: the installed tarball, with a photograph and weights. */
import { execFile } from 'node:child_process';
import { copyFile, cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';

const run = promisify(execFile);
/** The root of the repository. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Consumer {
  readonly folder: string;
  /** The path of the tarball. */
  readonly tarball: string;
  readonly photograph: { readonly data: Uint8Array; readonly width: number; readonly height: number };
  remove(): Promise<void>;
}

/** Packs the built package as `npm publish` does. */
async function pack(into: string): Promise<string> {
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', into], {
    cwd: ROOT,
    maxBuffer: 2 ** 26,
  });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  return join(into, filename);
}

export async function openConsumer(): Promise<Consumer> {
  const folder = await mkdtemp(join(tmpdir(), 'vanillanet-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const tarball = await pack(folder);
    await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }));
    await run('npm', ['install', '--no-audit', '--no-fund', tarball], { cwd: folder });
    await cp(join(ROOT, 'test/runtimes/programs'), folder, { recursive: true });
    await copyFile(join(ROOT, 'models/vanillanet-cifar10.safetensors'), join(folder, 'net.safetensors'));
    const { data, info } = await sharp(join(ROOT, 'examples/chelsea.png'))
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const { width, height } = info;
    await writeFile(join(folder, 'photograph.rgb'), data);
    await writeFile(join(folder, 'photograph.json'), JSON.stringify({ width, height }));
    return { folder, tarball, photograph: { data, width, height }, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
