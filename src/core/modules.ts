/**
 * The module of the deploy form that a layer of either form is part of: `stem`,
 * `stages.<i>`, `cls.0` for the pooled features; null behind these. The last of a
 * module's layers has the last word.
 */
export function moduleOf(layer: string): string | null {
  if (layer.startsWith('stem')) return 'stem';
  if (/^cls1?\.0$/.test(layer)) return 'cls.0';
  return /^stages\.\d+(?=\.)/.exec(layer)?.[0] ?? null;
}
