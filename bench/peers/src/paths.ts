import { fileURLToPath } from 'node:url';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** The repository; this file lies equally deep in src and in dist. */
export const ROOT = path('../../../');

/** This package. */
export const PACKAGE = path('../');

/** What the runtimes read: made by `models/prepare.ts`, ignored by git. */
export const MODELS = path('../models/');

/** LiteRT.js's scripts and machine code, as installed. */
export const LITERT_WASM = path('../node_modules/@litertjs/core/wasm/');
