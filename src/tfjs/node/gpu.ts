/** WebGPU, which Node has only by a package. */
import { pathToFileURL } from 'node:url';
import { find, Missing } from './find.js';

interface Gpu {
  readonly requestAdapter: () => Promise<unknown>;
}

/**
 * The package's, on Node's own navigator where there is one: of a copy, other properties would throw.
 *
 * @returns what takes it away again
 */
async function provide(): Promise<() => void> {
  const { create, globals } = (await import(pathToFileURL(find('webgpu')).href)) as {
    readonly create: (options: readonly string[]) => Gpu;
    readonly globals: object;
  };
  Object.assign(globalThis, globals);
  const { navigator } = globalThis as { navigator?: object };
  const gpu = create([]);
  const [on, name, value] = navigator === undefined ? [globalThis, 'navigator', { gpu }] : [navigator, 'gpu', gpu];
  Object.defineProperty(on, name, { value, configurable: true, writable: true });
  return () => {
    Reflect.deleteProperty(on, name);
  };
}

/** Sees to it that there is WebGPU: before its backend is loaded, which looks for it then. @throws Missing */
export async function requireGpu(): Promise<void> {
  const scope = globalThis as { navigator?: { gpu?: Gpu } };
  const takeAway = scope.navigator?.gpu === undefined ? await provide() : null;
  const adapter = await scope.navigator?.gpu?.requestAdapter();
  if (adapter != null) return;
  takeAway?.();
  const driver = 'a driver for Vulkan, Metal or Direct3D 12';
  const software = "Debian's chromium and libvulkan1 with VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json";
  throw new Missing(
    `webgpu is installed, but finds no adapter: there is no ${driver}`,
    `install ${driver}; for one in software, ${software}`,
  );
}
