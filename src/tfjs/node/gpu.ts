/** WebGPU in Node, by the npm package `webgpu`. */
import { pathToFileURL } from 'node:url';
import { MissingEngineError, resolvePackage } from './resolvePackage.js';

interface Gpu {
  readonly requestAdapter: () => Promise<unknown>;
}

/**
 * Defines `navigator.gpu`. Node's own navigator is extended and not copied: its getters throw on other objects.
 *
 * @returns a function that removes it again
 */
async function installGpu(): Promise<() => void> {
  const { create, globals } = (await import(pathToFileURL(resolvePackage('webgpu')).href)) as {
    readonly create: (options: readonly string[]) => Gpu;
    readonly globals: object;
  };
  Object.assign(globalThis, globals);
  const { navigator } = globalThis as { navigator?: object };
  const gpu = create([]);
  const [target, key, value] = navigator === undefined ? [globalThis, 'navigator', { gpu }] : [navigator, 'gpu', gpu];
  Object.defineProperty(target, key, { value, configurable: true, writable: true });
  return () => {
    Reflect.deleteProperty(target, key);
  };
}

/**
 * Makes sure that WebGPU has an adapter. Must run before TensorFlow.js' backend is loaded, which looks for WebGPU then.
 *
 * @throws MissingEngineError
 */
export async function requireGpu(): Promise<void> {
  const global = globalThis as { navigator?: { gpu?: Gpu } };
  const uninstall = global.navigator?.gpu === undefined ? await installGpu() : null;
  const adapter = await global.navigator?.gpu?.requestAdapter();
  if (adapter != null) return;
  uninstall?.();
  throw new MissingEngineError(
    'webgpu is installed, but finds no adapter',
    'Install a driver for Vulkan, Metal or Direct3D 12. For a software adapter, install chromium and libvulkan1 on ' +
      'Debian and set VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json.',
  );
}
