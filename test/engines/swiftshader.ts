/** SwiftShader, a software driver for machines without a graphics processor, from Debian's Chromium. */
import { existsSync } from 'node:fs';

const PATHS = ['/usr/lib/chromium/vk_swiftshader_icd.json', '/usr/lib/chromium-browser/vk_swiftshader_icd.json'];

/** The environment variable that selects it for Vulkan's loader; empty if the variable is set already. */
export function swiftshader(): { VK_ICD_FILENAMES?: string } {
  const icd = PATHS.find((path) => existsSync(path));
  return process.env['VK_ICD_FILENAMES'] !== undefined || icd === undefined ? {} : { VK_ICD_FILENAMES: icd };
}
