/** Formats that are told by their first bytes. */
export type ImageFormat = 'png' | 'jpeg' | 'webp';

/** As many first bytes as `imageFormat` looks at. */
export const FORMAT_BYTES = 12;

/** Whether the characters of a text are the bytes from `at` on. */
export const startsWith = (bytes: Uint8Array, at: number, text: string): boolean => {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
};

/** What a file's first bytes say it is; null for anything else. */
export function imageFormat(bytes: Uint8Array): ImageFormat | null {
  if (startsWith(bytes, 0, '\x89PNG\r\n\x1a\n')) return 'png';
  if (startsWith(bytes, 0, '\xff\xd8\xff')) return 'jpeg';
  return startsWith(bytes, 0, 'RIFF') && startsWith(bytes, 8, 'WEBP') ? 'webp' : null;
}
