import { bytes as plain } from '#wasm/ops-plain';
import { bytes as relaxed } from '#wasm/ops-relaxed';
import type { Build } from '../module.js';

/** The bytes of the ops module. */
export const opsBytesOf = (build: Build): Uint8Array => (build === 'plain' ? plain : relaxed);
