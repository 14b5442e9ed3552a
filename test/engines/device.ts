/** What an engine computes on, in words: what is software is never called a GPU. */
export interface Device {
  readonly device: string;
  readonly isHardware: boolean;
}

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|software/i;

export function deviceOf(description: string, isFallback = false): Device {
  const isHardware = !isFallback && !SOFTWARE.test(description);
  return { device: `${isHardware ? 'GPU' : 'software'} (${description.trim()})`, isHardware };
}

/** Of a WebGPU adapter; SwiftShader does not always say that it is a fallback. */
export function deviceOfAdapter(info: GPUAdapterInfo): Device {
  const { vendor, architecture, device, description } = info;
  const words = [vendor, architecture, device, description].filter((word) => word !== '');
  // What has no name may be anything.
  if (words.length === 0) return deviceOf('an adapter without a name', true);
  return deviceOf(words.join(' '), 'isFallbackAdapter' in info && info.isFallbackAdapter);
}
