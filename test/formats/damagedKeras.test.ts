/** Damaged files of Keras, and others under its endings, by the library: typed errors, and the next file is read. */
import { afterAll, describe, expect, test } from '@jest/globals';
import { copyFile, readdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { File } from 'h5wasm';
import { BackendUnavailableError, WeightsError } from '../../src/core/errors.js';
import { bytesAccess } from '../../src/formats/fileAccess.js';
import { Hdf5Thread } from '../../src/formats/hdf5/hdf5Thread.js';
import { openHdf5 } from '../../src/formats/hdf5/openHdf5.js';
import { openKeras } from '../../src/formats/keras.js';
import { readForeign } from '../../src/formats/openForeign.js';
import { readState, recognize } from '../../src/formats/recognize.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { hdf5File } from './hdf5File.js';
import { openFixture, unzipped } from './judgeKeras.js';
import { SharedThread } from './sharedThread.js';

const FOLDER = fileURLToPath(new URL('fixtures/keras', import.meta.url));
const path = temporaryFolder();
const threads = new SharedThread();
afterAll(() => threads.stop());

const open = (bytes: Uint8Array) => openKeras(bytesAccess('net.h5', bytes), threads);

/** Reads all values of the network in a file. */
async function readAll(bytes: Uint8Array): Promise<ReturnType<typeof readState>> {
  const file = await open(bytes);
  try {
    return await readState(recognize(file, 'net.h5'), 'net.h5');
  } finally {
    await file.close?.();
  }
}

const DEPLOY = unzipped(FOLDER, '5_deploy.h5');

describe('cut files', () => {
  test.each([8, 9, 95, 96, 97, 800, 2048, 4096, 20_000, 0.5, 0.99].map((size) => [size]))(
    'after %d bytes (or this part) are refused',
    async (size) => {
      const cut = DEPLOY.subarray(0, size < 1 ? Math.floor(size * DEPLOY.length) : size);
      const reading = readAll(cut);
      await expect(reading).rejects.toThrow(refusal(WeightsError, 'net.h5', 'an intact HDF5 file', ''));
      await expect(reading).rejects.toMatchObject({ hint: expect.stringContaining('Download or copy the file again') });
    },
  );

  test('the whole file is read afterwards', async () => {
    expect((await readAll(DEPLOY)).size).toBe(18);
  });
});

describe('fixtures', () => {
  test('a group in itself is refused', async () => {
    await expect(openFixture(FOLDER, 'cycle.h5')).rejects.toThrow(
      refusal(WeightsError, 'cycle.h5', 'at most 16 groups in each other', 'more'),
    );
  });

  test('the newest form of HDF5: links are not followed, nor arrays in other files read', async () => {
    const file = await openHdf5(bytesAccess('latest.h5', unzipped(FOLDER, 'latest.h5')), threads);
    try {
      const { objects } = file;
      expect(objects.map((object) => object.path).sort()).toEqual(
        ['/', '/external', '/group', '/group/f4', '/group/f4/chunked', '/virtual'], // prettier-ignore
      );
      const objectAt = (name: string) => objects.find((object) => object.path === name);
      const texts = Object.entries(objectAt('/group')?.texts ?? {});
      expect(texts.sort()).toEqual(Array.from({ length: 40 }, (_, i) => [`name${i}`, `value ${i}`]).sort());
      const arrayAt = (name: string) => {
        const array = objectAt(name)?.array;
        if (array === null || array === undefined) throw new Error(`${name} is no array.`);
        return array;
      };
      const chunked = await file.tensor('/group/f4/chunked', arrayAt('/group/f4/chunked'), [0, 1, 2, 3]).read();
      const values = JSON.parse(new TextDecoder().decode(unzipped(FOLDER, 'arrays.json'))) as Record<string, number[]>;
      expect([...chunked]).toEqual(values['f4/chunked']);
      await expect(file.tensor('/virtual', arrayAt('/virtual'), [0]).read()).rejects.toThrow(
        refusal(WeightsError, 'latest.h5: /virtual', 'a dense tensor', 'an array in other files'),
      );
      await expect(file.tensor('/external', arrayAt('/external'), [0]).read()).rejects.toThrow(
        refusal(WeightsError, 'latest.h5', 'an intact HDF5 file', ''),
      );
    } finally {
      await file.close();
    }
  });

  test('the weights of another network are refused by the names that they have', async () => {
    const file = await openFixture(FOLDER, 'other.h5');
    expect(() => recognize(file, 'other.h5')).toThrow(
      refusal(WeightsError, 'other.h5: weights', 'the tensors of a VanillaNet', 'conv1/kernel:0'),
    );
    await file.close?.();
  });
});

/** A file of one layer, `stem_1_conv`, whose kernel is `write`'s. */
const kernelFile = (write: (file: File) => void): Promise<Uint8Array> =>
  hdf5File((file) => {
    file.create_attribute('layer_names', ['stem_1_conv']);
    const layer = file.create_group('stem_1_conv');
    layer.create_attribute('weight_names', ['kernel:0']);
    write(file);
  });
const KERNEL = '/stem_1_conv/kernel:0';

describe('a kernel', () => {
  const readKernel = async (write: (file: File) => void): Promise<unknown> => {
    const file = await open(await kernelFile(write));
    try {
      const tensor = file.groups[0].tensors.get('stem.0.weight');
      const values = await tensor?.read();
      return values === undefined ? null : [tensor?.dtype, [...values]];
    } finally {
      await file.close?.();
    }
  };

  test('of one value is read', async () => {
    expect(
      await readKernel((file) => {
        file.create_dataset({ name: KERNEL, data: new Float32Array([2.5]), shape: [1, 1, 1, 1] });
      }),
    ).toEqual(['float32', [2.5]]);
  });

  test.each<[string, (file: File) => void]>([
    ['a group', (file) => file.create_group(KERNEL)],
    [
      'a soft link to an array',
      (file) => {
        file.create_dataset({ name: 'x', data: new Float32Array([1]), shape: [1, 1, 1, 1] });
        file.create_soft_link('/x', KERNEL);
      },
    ],
    ['a soft link to itself', (file) => file.create_soft_link(KERNEL, KERNEL)],
    ['a soft link to nothing', (file) => file.create_soft_link('/nowhere', KERNEL)],
    ['a link to another file', (file) => file.create_external_link('/etc/passwd', '/x', KERNEL)],
    ['nothing', () => undefined],
  ])('that is %s is refused', async (_, write) => {
    await expect(readKernel(write)).rejects.toThrow(
      refusal(WeightsError, 'net.h5', `the array ${KERNEL}, which weight_names lists`, 'no such array'),
    );
  });

  test.each<[string, (file: File) => void, string]>([
    ['text', (file) => file.create_dataset({ name: KERNEL, data: ['a', 'b'] }), 'no array of numbers'],
    ['int8', (file) => file.create_dataset({ name: KERNEL, data: Int8Array.of(-3), shape: [1, 1, 1, 1] }), ''],
  ])('of the type %s', async (name, write, got) => {
    if (got === '') expect(await readKernel(write)).toEqual([name, [-3]]);
    else await expect(readKernel(write)).rejects.toThrow(refusal(WeightsError, `net.h5: ${KERNEL}`, '', got));
  });
});

test.each([NaN, Infinity])('a weight of %p is refused by its name', async (value) => {
  const bytes = DEPLOY.slice();
  const file = await open(bytes);
  const values = await file.groups[0].tensors.get('cls.2.weight')?.read();
  await file.close?.();
  if (values === undefined) throw new Error('There is no weight.');
  // The first value of the file, which is the first of the kernel.
  const pattern = new Uint8Array(Float32Array.of(values[0]).buffer);
  const at = bytes.findIndex((_, i) => pattern.every((byte, j) => bytes[i + j] === byte));
  new DataView(bytes.buffer, bytes.byteOffset).setFloat32(at, value, true);
  await expect(readAll(bytes)).rejects.toThrow(refusal(WeightsError, 'cls.2.weight', '', String(value)));
});

describe('other files with the ending .h5', () => {
  const foreign = (content: string) => readForeign(bytesAccess('net.h5', new TextEncoder().encode(content)));

  test.each([
    ['text', 'epoch,loss\n1,0.5\n'],
    ['nothing', ''],
    ['almost the signature', '\x89HDF\r\n\x1a'],
  ])('%s is no file of another framework', async (_, content) => {
    expect(await foreign(content)).toBeNull();
  });

  test('text is refused as HDF5 by the library, too', async () => {
    await expect(open(new TextEncoder().encode('epoch,loss\n1,0.5\n'))).rejects.toThrow(
      refusal(WeightsError, 'net.h5', 'an intact HDF5 file', ''),
    );
    await expect(open(new Uint8Array())).rejects.toThrow(refusal(WeightsError, 'net.h5', 'an intact HDF5 file', ''));
  });
});

test('without the package, the error names the command that installs it', async () => {
  const built = fileURLToPath(new URL('../../dist/node', import.meta.url));
  // A folder without node_modules; the script imports parts beside it.
  for (const name of await readdir(built)) {
    if (name === 'hdf5Worker.js' || name.startsWith('chunk-')) await copyFile(`${built}/${name}`, path(name));
  }
  await writeFile(path('package.json'), '{"type":"module"}');
  const starting = Hdf5Thread.start(bytesAccess('net.h5', DEPLOY), { script: path('hdf5Worker.js') });
  await expect(starting).rejects.toThrow(
    refusal(BackendUnavailableError, 'net.h5', 'the package h5wasm, which reads HDF5', 'none installed'),
  );
  await expect(starting).rejects.toMatchObject({ hint: 'Install it beside vanillanet: npm install h5wasm.' });
});
