import { fileURLToPath } from 'node:url';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** The root of the repository. This file has the same depth in src and in dist. */
export const ROOT = path('../../../');

/** This package. */
export const PACKAGE = path('../');

/** The files that the runtimes read: written by `models/prepare.ts`, ignored by git. */
export const MODELS = path('../models/');

/** The scripts and WebAssembly modules of LiteRT.js, as installed. */
export const LITERT_WASM = path('../node_modules/@litertjs/core/wasm/');
