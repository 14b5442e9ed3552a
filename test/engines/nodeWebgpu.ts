/** webgpu in Node, by Dawn: on whatever adapter there is, else on SwiftShader where Chromium has brought it. */
import { existsSync } from 'node:fs';
import { create, globals } from 'webgpu';
import { SHADER } from '../judges/arithmetic.js';
import type { EngineRun } from '../tfjs/engineReport.js';
import { check } from './check.js';

const SWIFTSHADER = ['/usr/lib/chromium/vk_swiftshader_icd.json', '/usr/lib/chromium-browser/vk_swiftshader_icd.json'];

async function adapterOf(gpu: GPU): Promise<GPUAdapter | null> {
  try {
    return await gpu.requestAdapter();
  } catch {
    return null;
  }
}

export async function nodeWebgpu(): Promise<EngineRun> {
  const engine = 'webgpu';
  Object.assign(globalThis, globals);
  let gpu = create([]);
  let adapter = await adapterOf(gpu);
  const icd = SWIFTSHADER.find((path) => existsSync(path));
  if (adapter === null && process.env['VK_ICD_FILENAMES'] === undefined && icd !== undefined) {
    process.env['VK_ICD_FILENAMES'] = icd;
    gpu = create([]);
    adapter = await adapterOf(gpu);
  }
  if (adapter === null) {
    const reason = 'no adapter: a Vulkan driver, or that of Debian’s chromium, by VK_ICD_FILENAMES';
    return { engine, status: 'SKIPPED', reason };
  }
  // The backend looks for it when it is imported; Node's own navigator has none.
  const { navigator } = globalThis as { navigator?: object };
  if (navigator === undefined) Object.defineProperty(globalThis, 'navigator', { value: { gpu } });
  else Object.defineProperty(navigator, 'gpu', { value: gpu });
  const tf = await import('@tensorflow/tfjs-core');
  await import('@tensorflow/tfjs-backend-webgpu');
  // Small tensors are otherwise computed on the CPU, unseen.
  tf.env().set('WEBGPU_CPU_FORWARD', false);
  return { engine, status: 'RAN', ...(await check(tf, engine, SHADER)) };
}
