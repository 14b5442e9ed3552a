/** Lists of images: an error names the item, lists of pages count as lists, and detached arrays are refused. */
import { afterEach, describe, expect, test } from '@jest/globals';
import { platform } from '#runtime';
import { DataError, ShapeError } from '../../src/core/errors.js';
import { DETACHED, DETACHED_HINT } from '../../src/core/detached.js';
import { imageSource } from '../../src/image/imageInput.js';
import type { PixelImage } from '../../src/image/pixelImage.js';
import { Model, type ImageList, type ModelInput } from '../../src/model/model.js';
import { referenceBackend } from '../../src/oracle/backend.js';
import { wasmBackend } from '../../src/wasm/inference/backend.js';
import { drawnConfig, drawnState } from './drawnNetwork.js';

const config = drawnConfig('deploy');
const model = await Model.open(drawnState(config), config, wasmBackend);
/** A model whose backend takes no pixels: its images are stacked. */
const stacking = await Model.open(drawnState(config), config, referenceBackend);

const image: PixelImage = { data: Uint8Array.from({ length: 3 * 20 * 20 }, (_, i) => (i * 37) % 256), ...size(20) };
const floats = new Float32Array(config.input_size[0] * config.input_size[1] * 3).fill(0.5);

function size(side: number): { width: number; height: number } {
  return { width: side, height: side };
}

const bad: [string, unknown, typeof DataError | typeof ShapeError, string][] = [
  ['null', null, DataError, 'null'],
  ['pixels of another size', { data: new Uint8Array(7), ...size(20) }, ShapeError, '7 bytes'],
  ['no image file', new Uint8Array(20), DataError, 'only zeros'],
  ['an empty Blob', new Blob([]), DataError, 'an empty file'],
  ['too few values', new Float32Array(5), ShapeError, '5 values'],
  ['a value that is not finite', floats.map((value, i) => (i === 3 ? NaN : value)), DataError, 'NaN'],
];

describe('an error names the item of a list', () => {
  test.each(bad)('%s', async (_, item, ErrorOfItem, got) => {
    const list = [image, floats, item] as ModelInput[];
    for (const each of [model, stacking]) {
      for (const [op, call] of [
        ['classify', () => each.classify(list)],
        ['forward', () => each.forward(list)],
      ] as const) {
        const error: unknown = await call().catch((cause: unknown) => cause);
        expect(error).toBeInstanceOf(ErrorOfItem);
        expect(error).toMatchObject({ op: `${op}: input[2]`, got: expect.stringContaining(got) });
      }
    }
    await expect(model.features(list, ['stem'])).rejects.toMatchObject({ op: 'features: input[2]' });
  });

  test.each(bad)('%s alone is not called an item', async (_, item, ErrorOfItem, got) => {
    const error: unknown = await model.classify(item as ModelInput).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(ErrorOfItem);
    expect(error).toMatchObject({ op: 'classify', got: expect.stringContaining(got) });
  });

  test('the first item has index 0, also as the only one', async () => {
    await expect(model.classify([null] as unknown as ModelInput[])).rejects.toMatchObject({ op: 'classify: input[0]' });
  });

  test('a path is its own name', async () => {
    await expect(model.classify([image, '/nowhere/cat.png'])).rejects.toMatchObject({ op: '/nowhere/cat.png' });
  });
});

/** A list of a page, which is not an array: FileList, NodeList, HTMLCollection. */
function pageList(tag: string, items: readonly ModelInput[]): ImageList {
  const list = { ...Object.fromEntries(items.entries()), length: items.length, item: (index: number) => items[index] };
  Object.defineProperty(list, Symbol.toStringTag, { value: tag });
  return list;
}

describe('lists of a page', () => {
  test.each(['FileList', 'NodeList', 'HTMLCollection'])('%s', async (tag) => {
    const list = pageList(tag, [image, floats]);
    expect(await model.classify(list)).toEqual(await model.classify([image, floats]));
    expect(await model.classify(pageList(tag, []))).toEqual([]);
    expect(await model.forward(list, 2)).toEqual(await model.forward([image, floats]));
    expect(await model.features(list, ['cls.0'])).toEqual(await model.features([image, floats], ['cls.0']));
    await expect(model.forward(list, 3)).rejects.toMatchObject({
      got: 'n = 3',
      expected: 'n = 2, the number of images',
    });
    await expect(model.classify(pageList(tag, [image, null as unknown as ModelInput]))).rejects.toMatchObject({
      op: 'classify: input[1]',
    });
  });
});

describe('hints', () => {
  const hintOf = (input: unknown): unknown => {
    try {
      return imageSource('classify', input);
    } catch (error) {
      return error;
    }
  };

  test('a collection that is no array', () => {
    const hint = 'Pass an array: [...images].';
    expect(hintOf(new Set([image]))).toMatchObject({ got: 'a Set', hint });
    expect(hintOf(new Map([['a', image]]))).toMatchObject({
      got: 'a Map',
      hint: 'Pass an array: [...images.values()].',
    });
    expect(hintOf(new Map([['a', image]]).values())).toMatchObject({ got: 'a Map Iterator', hint });
    expect(hintOf({ *[Symbol.iterator]() {} })).toMatchObject({ got: 'an iterable object', hint });
  });

  test('numbers, and lists of lists', () => {
    const hint = expect.stringContaining('normalized values as a Float32Array');
    expect(hintOf(0.25)).toMatchObject({ got: '0.25', hint });
    expect(hintOf([0.25, 0.5])).toMatchObject({ got: '[0.25,0.5]', hint });
    expect(hintOf(true)).not.toHaveProperty('hint');
  });
});

/** Takes the memory of an array away. */
const detach = <T extends ArrayBufferView>(view: T): T => {
  structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] });
  return view;
};

describe('a detached array', () => {
  test.each([Float32Array, Float64Array])('%p', async (Floats) => {
    const fields = { got: DETACHED, hint: DETACHED_HINT };
    for (const each of [model, stacking]) {
      const x = detach(new Floats(floats));
      for (const call of [() => each.forward(x), () => each.forward(x, 2), () => each.classify(x)]) {
        const error: unknown = await call().catch((cause: unknown) => cause);
        expect(error).toBeInstanceOf(DataError);
        expect(error).toMatchObject(fields);
      }
      await expect(each.forward([image, x])).rejects.toMatchObject({ ...fields, op: 'forward: input[1]' });
    }
    await expect(model.features(detach(new Floats(floats)), ['stem'])).rejects.toMatchObject(fields);
    expect(await model.forward(floats)).toEqual(await model.forward(floats.slice()));
  });
});

const runtime = { ...platform };
afterEach(() => {
  Object.assign(platform, runtime);
});

describe('elements without pixels', () => {
  const element = (tag: string, fields: object): ModelInput =>
    Object.defineProperty({ ...fields }, Symbol.toStringTag, { value: tag }) as unknown as ModelInput;

  const cases: [string, object, string, string][] = [
    ['ImageBitmap', { width: 0, height: 0 }, 'an ImageBitmap of 0 x 0 pixels', 'was closed or transferred'],
    ['HTMLCanvasElement', { width: 0, height: 5 }, 'an HTMLCanvasElement of 0 x 5 pixels', 'Set its width and height'],
    ['OffscreenCanvas', { width: 4, height: 0 }, 'an OffscreenCanvas of 4 x 0 pixels', 'Set its width and height'],
    ['VideoFrame', { displayWidth: 0, displayHeight: 0 }, 'a VideoFrame of 0 x 0 pixels', 'was closed'],
    ['HTMLVideoElement', { videoWidth: 0, videoHeight: 0 }, 'an HTMLVideoElement of 0 x 0 pixels', 'loadeddata'],
    ['HTMLImageElement', { naturalWidth: 0, naturalHeight: 0 }, 'an HTMLImageElement of 0 x 0 pixels', 'decode()'],
  ];

  test.each(cases)('%s', async (tag, fields, got, hint) => {
    let reads = 0;
    Object.assign(platform, {
      readPixels: () => {
        reads++;
        return Promise.reject(new Error('no pixels'));
      },
    });
    const error: unknown = await model.classify(element(tag, fields)).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(DataError);
    expect(error).toMatchObject({ op: 'classify', got, hint: expect.stringContaining(hint) });
    expect(reads).toBe(0);
  });

  test('an image element without a size of its own, such as an SVG, is drawn', async () => {
    Object.assign(platform, { readPixels: () => Promise.resolve(image) });
    const svg = element('SVGImageElement', { width: { baseVal: {} }, height: { baseVal: {} } });
    expect(await model.classify(svg)).toEqual(await model.classify(image));
    const bitmap = element('ImageBitmap', { width: 20, height: 1 });
    expect(await model.classify(bitmap)).toEqual(await model.classify(image));
  });

  test('without canvases, the size is checked, too', async () => {
    Object.assign(platform, { readPixels: null });
    await expect(model.classify(element('ImageBitmap', { width: 0, height: 0 }))).rejects.toBeInstanceOf(DataError);
  });
});
