/** Describes an engine of TensorFlow.js by what it reports itself: the name of its package proves nothing. */
import { checkFunction, checkObject } from '../core/check.js';
import type * as core from '@tensorflow/tfjs-core';
import { BackendUnavailableError } from '../core/errors.js';
import { missingKernels } from './tf.js';

/** All engines, in the order in which `auto` tries them. `webgl` runs in browsers only. */
export const ENGINES = ['tfjs-node-gpu', 'webgpu', 'webgl', 'tfjs-node', 'wasm', 'cpu'] as const;
export type EngineName = (typeof ENGINES)[number];

export interface EngineReport {
  readonly engine: EngineName;
  /** The name of its backend in TensorFlow.js: `tensorflow` for tfjs-node and tfjs-node-gpu. */
  readonly backend: string;
  /** The device that computes: the name of an adapter or driver, or a description of the processor. */
  readonly device: string;
  /** Whether a graphics processor computes. False for software adapters. */
  readonly isHardware: boolean;
  /** Whether it has all kernels of the backward pass. */
  readonly canTrain: boolean;
  /** The version of tfjs-core. */
  readonly version: string;
}

/** Names of software adapters: SwiftShader, Mesa's llvmpipe and lavapipe, Windows' WARP. */
const SOFTWARE = /swiftshader|swangle|llvmpipe|lavapipe|softpipe|software|basic render|gdi generic|warp|null backend/i;
/** Vendors of graphics processors. Other names do not prove that there is one, because browsers mask names. */
const MAKERS =
  /\b(nvidia|geforce|quadro|tesla|amd|ati|radeon|intel|apple|arm|mali|qualcomm|adreno|img-tec|imagination|powervr|samsung|xclipse|broadcom|videocore|moore threads)\b/i;

interface AdapterInfo {
  readonly vendor?: string;
  readonly architecture?: string;
  readonly device?: string;
  readonly description?: string;
  readonly isFallbackAdapter?: boolean;
}

interface Device {
  readonly device: string;
  readonly isHardware: boolean;
}

/** The device behind an adapter, judged by the adapter's own description. @throws ParamError for anything but an object */
export function deviceOf(info: AdapterInfo): Device {
  const { vendor, architecture, device, description } = checkObject('deviceOf', info);
  const isText = (word: unknown): boolean => typeof word === 'string' && word !== '';
  const words = [vendor, architecture, device, description].filter(isText).join(' ');
  if (words === '') return { device: 'an unnamed adapter', isHardware: false };
  if (info.isFallbackAdapter === true || SOFTWARE.test(words))
    return { device: `${words} (software)`, isHardware: false };
  return MAKERS.test(words)
    ? { device: words, isHardware: true }
    : { device: `${words} (unknown hardware)`, isHardware: false };
}

function webgpuDevice(backend: unknown): Device {
  const { device } = backend as { readonly device?: { readonly adapterInfo?: AdapterInfo } };
  return deviceOf(device?.adapterInfo ?? {});
}

function webglDevice(backend: unknown): Device {
  const { gpgpu } = backend as { readonly gpgpu?: { readonly gl?: WebGL } };
  const gl = gpgpu?.gl;
  const name = gl?.getParameter(gl.getExtension('WEBGL_debug_renderer_info')?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER);
  return deviceOf(typeof name === 'string' ? { description: name } : {});
}

/** The part of a WebGL context that is used here. */
interface WebGL {
  readonly RENDERER: number;
  getExtension(name: 'WEBGL_debug_renderer_info'): { readonly UNMASKED_RENDERER_WEBGL: number } | null;
  getParameter(name: number): unknown;
}

/** Describes the engine that is active in `tf`. @throws BackendUnavailableError if it is not one of `ENGINES` */
export function describeEngine(
  tf: Pick<typeof core, 'backend' | 'getBackend' | 'getKernel' | 'version_core'>,
): EngineReport {
  for (const key of ['backend', 'getBackend', 'getKernel'] as const) {
    checkFunction(`describeEngine: tf.${key}`, checkObject('describeEngine: tf', tf)[key]);
  }
  const name = tf.getBackend();
  const backend: unknown = tf.backend();
  const report = (engine: EngineName, { device, isHardware }: Device): EngineReport => ({
    engine,
    backend: name,
    device,
    isHardware,
    canTrain: missingKernels(tf, name).length === 0,
    version: tf.version_core,
  });
  switch (name) {
    case 'webgpu':
      return report('webgpu', webgpuDevice(backend));
    case 'webgl':
      return report('webgl', webglDevice(backend));
    case 'tensorflow': {
      const gpu = (backend as { readonly isUsingGpuDevice?: boolean }).isUsingGpuDevice === true;
      const device = gpu ? 'a CUDA device' : "libtensorflow on this machine's processor";
      return report(gpu ? 'tfjs-node-gpu' : 'tfjs-node', { device, isHardware: gpu });
    }
    case 'wasm':
      return report('wasm', { device: "WebAssembly on this machine's processor", isHardware: false });
    case 'cpu':
      return report('cpu', { device: "JavaScript on this machine's processor", isHardware: false });
    default: {
      const expected = 'the engine cpu, wasm, webgl, webgpu or tensorflow';
      throw new BackendUnavailableError({ op: 'tfjs', expected, got: name });
    }
  }
}
