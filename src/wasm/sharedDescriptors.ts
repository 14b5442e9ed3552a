// Generated from assembly/shared/ by `npm run descriptors`. Do not edit.

/** `PASS` of assembly/shared/depthwisePlane.ts. */
export const PASS = 7;

/** `REGIONS` of assembly/shared/team.ts. */
export const REGIONS = 128;

/** `PITCH` of assembly/shared/team.ts. */
export const PITCH = 128;

/** `MOST_PARTS` of assembly/shared/team.ts. */
export const MOST_PARTS = 15;

/** Fields of `Region` in assembly/shared/team.ts. */
export const REGION = { kind: 'u32', operands: 'u32', panels: 'u32', chunk: 'u32' } as const;

/** Fields of `Program` in assembly/shared/team.ts. */
export const PROGRAM = { state: 'u32', active: 'u32', first: 'u32', last: 'u32', parts: 'u32' } as const;
