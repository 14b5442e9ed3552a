/**
 * The time in milliseconds, imported by modules with threads. The clock of workers stands still: only the caller decides that
 * a thread is lost.
 */
export declare function now(): f64;
