/** What callers without types may pass to ops and networks, checked at the border. */
import { describe, expect, test } from '@jest/globals';
import { resolveConfig } from '../../src/core/config.js';
import { ParamError, ShapeError } from '../../src/core/errors.js';
import { checkNetwork, planNetwork } from '../../src/core/network.js';
import { adaptiveMaxPool2dShape, leakyReluShape, maxPool2dShape, operandShape } from '../../src/core/ops.js';
import { checkState, parameterShapes } from '../../src/core/parameters.js';
import { formatShape } from '../../src/core/tensor.js';
import { checkStream, withValueChecks } from '../../src/core/weights.js';
import { refusal } from '../io/refusal.js';

const CONFIG = resolveConfig({ dims: [4, 8], strides: [2], num_classes: 2, act_num: 1, input_size: 32 });
const untyped = (value: unknown): never => value as never;

describe('operandShape', () => {
  test('returns a copy of the shape', () => {
    const shape = [1, 2];
    const result = operandShape('op', 'x', { data: new Float64Array(2), shape });
    expect(result).toEqual([1, 2]);
    expect(result).not.toBe(shape);
  });

  test.each([
    [undefined, 'undefined'],
    [null, 'null'],
    [{ data: [1], shape: [1] }, 'Array of shape [1]'],
    [{ data: new Int32Array(1), shape: [1] }, 'Int32Array of shape [1]'],
    [{ data: new Float32Array(1), shape: 1 }, 'Float32Array of shape 1'],
    [{ data: new Float32Array(1), shape: ['1'] }, 'Float32Array of shape ["1"]'],
  ])('refuses %p', (value, got) => {
    const call = (): unknown => operandShape('op', 'x', untyped(value));
    expect(call).toThrow(refusal(ShapeError, 'op', 'x, a tensor { data, shape } of floats', got));
  });
});

test('parameters that are no numbers are refused', () => {
  expect(() => leakyReluShape([1], untyped(Symbol('s')))).toThrow(
    refusal(ParamError, 'leakyRelu', 'lambda in [0, 1]', 'Symbol(s)'),
  );
  expect(() => leakyReluShape([1], untyped('0.5'))).toThrow(ParamError);
  expect(() => maxPool2dShape([1, 1, 4, 4], { kernel_size: untyped({ toString: 1 }), stride: 1 })).toThrow(
    refusal(ParamError, 'maxPool2d', 'kernel_size an integer', 'kernel_size {"toString":1}'),
  );
  expect(() => adaptiveMaxPool2dShape([1, 1, 4, 4], untyped({ output_size: null }))).toThrow(
    refusal(ParamError, 'adaptiveMaxPool2d', 'output_size [height, width]', 'null'),
  );
});

test.each([
  [[1, 2], '[1,2]'],
  [Array.from({ length: 17 }, () => 1), `[${'1,'.repeat(16)}…]`],
  [[Symbol('s'), 1n, [1]], '[symbol,bigint,object]'],
  [null, 'object'],
  ['12', 'string'],
])('formatShape shows %p', (shape, text) => {
  expect(formatShape(untyped(shape))).toBe(text);
});

describe('a configuration', () => {
  test('is checked by its network alone', () => {
    expect(checkNetwork({ ...CONFIG, std: [0, 0, 0] })).toMatchObject({ dims: [4, 8], input_size: [224, 224] });
    const drop_rate = 2n as unknown as number;
    expect(() => checkNetwork({ ...CONFIG, drop_rate })).toThrow('drop_rate: expected a number in [0, 1)');
    expect(checkNetwork(CONFIG, [64, 32]).input_size).toEqual([64, 32]);
  });

  test.each([null, undefined, 3, { ...CONFIG, strides: 2 }, { ...CONFIG, dims: [Symbol('s'), 1] }])(
    '%p is refused',
    (value) => {
      const config = untyped(value);
      expect(() => parameterShapes(config)).toThrow(ParamError);
      expect(() => planNetwork(config, [32, 32])).toThrow(ParamError);
      expect(() => {
        checkState(new Map(), config);
      }).toThrow(ParamError);
    },
  );

  test.each([null, [32], 'x', [32, '32']])('a size %p is refused', (size) => {
    expect(() => planNetwork(CONFIG, untyped(size))).toThrow(ParamError);
  });
});

describe('a stream of weights', () => {
  const parts = (): AsyncIterable<never> => ({
    [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true as const, value: undefined }) }),
  });

  test.each([
    [null, 'weights', 'an object', 'null'],
    [{ shapes: new Map() }, 'weights.parts', 'a function', 'undefined'],
    [{ shapes: [], parts }, 'weights.shapes', 'a Map', '[]'],
    [{ shapes: new Map([['a', 3]]), parts }, 'weights.shapes', 'a list of sizes for each tensor', '3'],
    [{ shapes: new Map([[1, [3]]]), parts }, 'weights.shapes', 'a string', '1'],
  ])('%p is refused', (value, op, expected, got) => {
    expect(() => {
      checkStream(untyped(value));
    }).toThrow(refusal(ParamError, op, expected, got));
  });

  test('a Map of shapes and a function are accepted', () => {
    expect(() => {
      checkStream({ shapes: new Map([['a', [1]]]), parts });
    }).not.toThrow();
  });

  const drain = async (value: unknown): Promise<number> => {
    let count = 0;
    for await (const part of withValueChecks({ shapes: new Map(), parts: () => untyped(value) }).parts()) {
      if (part.name !== '') count++;
    }
    return count;
  };

  test.each([null, 3, [], {}])('parts %p are refused', async (value) => {
    await expect(drain(value)).rejects.toThrow(refusal(ParamError, 'weights.parts', 'an async iterable of parts', ''));
  });

  test.each([null, {}, { name: 'a', offset: 0, data: [1] }])('a part %p is refused', async (part) => {
    // eslint-disable-next-line @typescript-eslint/require-await -- nothing has to be awaited
    const list = async function* (): AsyncGenerator {
      yield part;
    };
    await expect(drain(list())).rejects.toThrow(ParamError);
  });

  test('parts with floats pass', async () => {
    // eslint-disable-next-line @typescript-eslint/require-await -- nothing has to be awaited
    const list = async function* (): AsyncGenerator {
      yield { name: 'a', offset: 0, data: new Float32Array(1) };
    };
    expect(await drain(list())).toBe(1);
  });
});
