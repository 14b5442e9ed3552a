/** File names in the folder of the models, and how the images are read. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';

export const WEIGHTS = 'network.safetensors';
export const ONNX = 'network.onnx';
export const tfliteFile = (batch: number): string => `network-batch${batch}.tflite`;
export const NHWC_WEIGHTS = 'network-nhwc.bin';
export const NHWC_MANIFEST = 'network-nhwc.json';
export const CHAIN = 'chain.json';
/** A folder with copies of LiteRT.js's scripts that Node loads as CommonJS. */
export const LITERT_SCRIPTS = 'litert';
/** The reference's logits of the first image. */
export const EXPECTED = 'expected.json';
export const imagesFile = (layout: 'nchw' | 'nhwc'): string => `images-${layout}.f32`;

/** Side, channels and number of the images. */
export const SIDE = 224;
export const CHANNELS = 3;
export const IMAGES = 8;

/** The first images, one for each element of the batch. */
export async function readImages(models: string, layout: 'nchw' | 'nhwc', batch: number): Promise<Float32Array> {
  const images = new Float32Array(batch * CHANNELS * SIDE * SIDE);
  const file = await open(join(models, imagesFile(layout)));
  try {
    await file.read(new Uint8Array(images.buffer), 0, images.byteLength, 0);
  } finally {
    await file.close();
  }
  return images;
}
