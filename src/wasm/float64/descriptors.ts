// Generated from assembly/float64/ by `npm run descriptors`. Do not edit.

/** `LANES` of assembly/float64/accumulate.ts. */
export const LANES = 16;
