/**
 * Draws the network and the images once, and writes them in every runtime's format.
 * A change of any converter makes them anew; otherwise what is there is kept.
 */
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import * as vanillanet from '../../../../dist/src/entries/index.js';
import { referenceBackend } from '../../../../dist/src/entries/node.js';
import { uniform } from '../../../../dist/reference/index.js';
import { LITERT_WASM, MODELS, PACKAGE } from '../paths.js';
import { chainOf } from './chain.js';
import * as files from './files.js';
import { encodeNhwc } from './nhwc.js';
import { encodeOnnx } from './onnx.js';
import { bytesOf, permute } from './tensors.js';
import { encodeTflite } from './tflite.js';

const SEED = 5;
const BATCHES = [1, files.IMAGES];
/** Written last: without it the folder is not complete. */
const STAMP = join(MODELS, 'stamp.txt');

async function stamp(): Promise<string> {
  const hash = createHash('sha256');
  const folder = join(PACKAGE, 'dist/models');
  for (const name of (await readdir(folder)).sort()) hash.update(await readFile(join(folder, name)));
  hash.update(await readFile(join(PACKAGE, 'onnx.proto')));
  return hash.digest('hex');
}

const draw = (size: number, stream: number, scale: number): Float32Array =>
  Float32Array.from({ length: size }, (_, i) => scale * (2 * uniform(SEED, stream, i) - 1));

/**
 * Kernels of variance 1 / fan-in and small biases. What ReLUs take from the maps, the
 * greatest values that pools keep give back, so that the logits come out near 1.
 */
function drawState(config: vanillanet.ModelConfig): vanillanet.StateDict {
  const shapes = [...vanillanet.parameterShapes(config)];
  return new Map(
    shapes.map(([name, shape], stream) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const fanIn = shape.slice(1).reduce((a, b) => a * b, 1);
      return [name, { data: draw(size, stream, shape.length === 1 ? 0.1 : Math.sqrt(3 / fanIn)), shape }];
    }),
  );
}

/**
 * LiteRT.js's package calls all its .js files modules, but these are CommonJS. In a
 * browser nobody asks; Node does, and again in every thread that runs them.
 */
async function copyLitertScripts(): Promise<void> {
  const folder = join(MODELS, files.LITERT_SCRIPTS);
  await mkdir(folder, { recursive: true });
  const scripts = (await readdir(LITERT_WASM)).filter((name) => name.endsWith('.js'));
  for (const name of scripts) await copyFile(join(LITERT_WASM, name), join(folder, `${basename(name, '.js')}.cjs`));
}

async function prepare(): Promise<void> {
  const size: [number, number] = [files.SIDE, files.SIDE];
  const config = vanillanet.resolveConfig({
    variant: 'vanillanet_5',
    form: 'deploy',
    num_classes: 1000,
    input_size: size,
  });
  const state = drawState(config);
  const chain = chainOf(vanillanet.planNetwork(config, size));
  const write = (name: string, content: Uint8Array | string): Promise<void> => writeFile(join(MODELS, name), content);

  const weights = vanillanet.encodeSafetensors(state, { metadata: vanillanet.writeConfig(config) });
  await write(files.WEIGHTS, weights);
  await write(files.CHAIN, JSON.stringify(chain));
  await write(files.ONNX, await encodeOnnx(chain, state));
  for (const batch of BATCHES) await write(files.tfliteFile(batch), encodeTflite(chain, state, batch));
  await copyLitertScripts();
  const { manifest, bytes } = encodeNhwc(chain, state);
  await write(files.NHWC_MANIFEST, JSON.stringify(manifest));
  await write(files.NHWC_WEIGHTS, bytes);

  const shape = [files.IMAGES, files.CHANNELS, files.SIDE, files.SIDE];
  // ±2 is about what a normalized photograph spans.
  const images = { data: draw(files.IMAGES * files.CHANNELS * files.SIDE ** 2, state.size, 2), shape };
  await write(files.imagesFile('nchw'), bytesOf(images.data));
  await write(files.imagesFile('nhwc'), bytesOf(permute(images, [0, 2, 3, 1]).data));

  const oracle = await vanillanet.loadModel(weights, { backend: referenceBackend });
  const expected = await oracle.forward(images.data.subarray(0, images.data.length / files.IMAGES));
  await write(files.EXPECTED, JSON.stringify([...expected]));
}

const wanted = await stamp();
const found = await readFile(STAMP, 'utf8').catch(() => '');
if (found !== wanted) {
  console.error(
    'bench:peers: writing the network in five formats and asking the float64 oracle: a minute or two, once',
  );
  await rm(MODELS, { recursive: true, force: true });
  await mkdir(MODELS, { recursive: true });
  await prepare();
  await writeFile(STAMP, wanted);
}
