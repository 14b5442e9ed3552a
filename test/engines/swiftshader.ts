/** A driver in software, for machines without a graphics processor: where Debian's Chromium has brought it. */
import { existsSync } from 'node:fs';

const PLACES = ['/usr/lib/chromium/vk_swiftshader_icd.json', '/usr/lib/chromium-browser/vk_swiftshader_icd.json'];

/** As Vulkan's loader is told of it; nothing where somebody has told it of another. */
export function swiftshader(): { VK_ICD_FILENAMES?: string } {
  const icd = PLACES.find((path) => existsSync(path));
  return process.env['VK_ICD_FILENAMES'] !== undefined || icd === undefined ? {} : { VK_ICD_FILENAMES: icd };
}
