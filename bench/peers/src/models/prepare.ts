/**
 * Draws the network and the images once, and writes them in the format of every runtime. Existing files are reused
 * unless a converter has changed.
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
/** Written last: a folder without it is incomplete. */
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
 * Kernels with variance 1 / fan-in and small biases. ReLUs shrink the maps and max pools enlarge them: logits are near
 * 1.
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
 * LiteRT.js's package declares all its .js files as ES modules, but these are CommonJS. Browsers do not check this;
 * Node does, also in every thread that loads them.
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
  // About the range of a normalized photograph.
  const images = { data: draw(files.IMAGES * files.CHANNELS * files.SIDE ** 2, state.size, 2), shape };
  await write(files.imagesFile('nchw'), bytesOf(images.data));
  await write(files.imagesFile('nhwc'), bytesOf(permute(images, [0, 2, 3, 1]).data));

  const reference = await vanillanet.loadModel(weights, { backend: referenceBackend });
  const expected = await reference.forward(images.data.subarray(0, images.data.length / files.IMAGES));
  await write(files.EXPECTED, JSON.stringify([...expected]));
}

const currentStamp = await stamp();
const storedStamp = await readFile(STAMP, 'utf8').catch(() => '');
if (storedStamp !== currentStamp) {
  console.error(
    'bench:peers: writing the network in five formats and computing reference logits (once, one to two minutes)',
  );
  await rm(MODELS, { recursive: true, force: true });
  await mkdir(MODELS, { recursive: true });
  await prepare();
  await writeFile(STAMP, currentStamp);
}
