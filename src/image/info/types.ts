import type { ImageFormat } from '../imageFormat.js';

/** The orientation of EXIF: how a stored image must be rotated or mirrored to be upright. 1 is upright. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** The header of an image file. */
export interface ImageInfo {
  readonly format: ImageFormat;
  /** As stored: `orient` exchanges width and height for orientations from 5 on. */
  readonly width: number;
  readonly height: number;
  /** Bits per sample, or per index into a palette. */
  readonly bitDepth: number;
  readonly color: 'gray' | 'rgb' | 'palette' | 'cmyk';
  readonly alpha: boolean;
  readonly animated: boolean;
  /**
   * Passes of a decoder over the picture: about ten for a progressive JPEG, many more for a malicious one. If the file
   * is truncated, only those that it contains. 1 for PNG and WebP.
   */
  readonly scans: number;
  /** From EXIF, for `orient`. */
  readonly orientation: Orientation;
}

/** What a reader of one format returns. */
export type FormatInfo = Omit<ImageInfo, 'format'>;
