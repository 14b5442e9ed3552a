/** What an engine of TensorFlow.js is, as it says itself: a package's name proves nothing. */
import type * as core from '@tensorflow/tfjs-core';
import { BackendUnavailableError } from '../core/errors.js';
import { missingKernels } from './tf.js';

/** In the order in which `auto` looks for them; `webgl` there is only in browsers. */
export const ENGINES = ['tfjs-node-gpu', 'webgpu', 'webgl', 'tfjs-node', 'wasm', 'cpu'] as const;
export type EngineName = (typeof ENGINES)[number];

export interface EngineReport {
  readonly engine: EngineName;
  /** What TensorFlow.js calls it: `tensorflow` for both packages of Node. */
  readonly backend: string;
  /** What computes: an adapter, a driver, or what stands in for one. */
  readonly device: string;
  /** Whether a graphics processor computes. A software adapter is none. */
  readonly isHardware: boolean;
  /** Whether it has all kernels of the way back. */
  readonly canTrain: boolean;
  /** Of TensorFlow.js' core. */
  readonly version: string;
}

/** Adapters that are programs: SwiftShader, Mesa's llvmpipe and lavapipe, Windows' WARP. */
const SOFTWARE = /swiftshader|swangle|llvmpipe|lavapipe|softpipe|software|basic render|gdi generic|warp|null backend/i;
/** Who makes graphics processors. Browsers mask names, and a name that is none of these proves nothing. */
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

/** An adapter by what it tells of itself. */
export function deviceOf(info: AdapterInfo): Device {
  const { vendor, architecture, device, description } = info;
  const words = [vendor, architecture, device, description].filter(Boolean).join(' ');
  if (words === '') return { device: 'an adapter without a name', isHardware: false };
  if (info.isFallbackAdapter === true || SOFTWARE.test(words))
    return { device: `${words} (software)`, isHardware: false };
  return MAKERS.test(words)
    ? { device: words, isHardware: true }
    : { device: `${words} (whose hardware nobody knows)`, isHardware: false };
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

/** As much of a WebGL context as is asked here. */
interface WebGL {
  readonly RENDERER: number;
  getExtension(name: 'WEBGL_debug_renderer_info'): { readonly UNMASKED_RENDERER_WEBGL: number } | null;
  getParameter(name: number): unknown;
}

/** The engine that is at work in `tf`. @throws BackendUnavailableError for one that is none of `ENGINES` */
export function describeEngine(
  tf: Pick<typeof core, 'backend' | 'getBackend' | 'getKernel' | 'version_core'>,
): EngineReport {
  const name = tf.getBackend();
  const own: unknown = tf.backend();
  const about = (engine: EngineName, { device, isHardware }: Device): EngineReport => ({
    engine,
    backend: name,
    device,
    isHardware,
    canTrain: missingKernels(tf, name).length === 0,
    version: tf.version_core,
  });
  switch (name) {
    case 'webgpu':
      return about('webgpu', webgpuDevice(own));
    case 'webgl':
      return about('webgl', webglDevice(own));
    case 'tensorflow': {
      const gpu = (own as { readonly isUsingGpuDevice?: boolean }).isUsingGpuDevice === true;
      const device = gpu ? 'a CUDA device' : "libtensorflow on this machine's processor";
      return about(gpu ? 'tfjs-node-gpu' : 'tfjs-node', { device, isHardware: gpu });
    }
    case 'wasm':
      return about('wasm', { device: "WebAssembly on this machine's processor", isHardware: false });
    case 'cpu':
      return about('cpu', { device: "JavaScript on this machine's processor", isHardware: false });
    default: {
      const expected = 'the engine cpu, wasm, webgl, webgpu or tensorflow';
      throw new BackendUnavailableError({ op: 'tfjs', expected, got: name });
    }
  }
}
