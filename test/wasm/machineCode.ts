/**
 * The machine code that V8's optimizing compiler makes of a module, as Node prints it: which loops multiply vectors, and
 * whether they keep their values in registers.
 */
import { spawnSync } from 'node:child_process';

/** A loop without loops inside it that multiplies vectors of float32. */
export interface VectorLoop {
  /** Multiplications of vectors, fused or not. */
  readonly multiplications: number;
  /** Instructions that move a vector to or from the stack, or read one there. */
  readonly spills: number;
  /** Vectors written to linear memory. */
  readonly stores: number;
}

interface Instruction {
  readonly offset: number;
  readonly text: string;
}

interface Block {
  readonly instructions: readonly Instruction[];
  readonly successors: readonly number[];
}

/** Compiles every function at once with the optimizing compiler, on the main thread so that no output is interleaved. */
const FLAGS = ['--no-liftoff', '--no-wasm-lazy-compilation', '--wasm-num-compilation-tasks=0', '--print-wasm-code'];

/** Names each exported function with its index, which is the `name` of the function. */
const PROGRAM = `
const { instance } = await WebAssembly.instantiate(require('fs').readFileSync(0), {});
for (const [name, value] of Object.entries(instance.exports)) {
  if (typeof value === 'function') console.log('EXPORT', name, value.name);
}`;

function print(wasm: Uint8Array): string {
  const program = `(async () => {${PROGRAM}})()`;
  const { status, stdout, stderr } = spawnSync(process.execPath, [...FLAGS, '-e', program], {
    input: wasm,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    // Options of the parent, such as an inspector's, are not for this process.
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  if (status !== 0) throw new Error(`the module could not be compiled: ${stderr}`);
  return stdout;
}

/** Why the machine code cannot be judged here; null if it can. */
export function obstacle(): string | null {
  if (process.arch !== 'x64') return `machine code of ${process.arch} is not understood, only that of x64`;
  // V8 lists the features of the processor in the first line. Without AVX, instructions overwrite an operand and need
  // more registers; without FMA, so do relaxed multiply-adds.
  const features = spawnSync(process.execPath, ['--v8-options'], { encoding: 'utf8', maxBuffer: 2 ** 26 }).stdout;
  const lacks = ['AVX', 'FMA3'].filter((feature) => !new RegExp(`\\b${feature}=1\\b`).test(features));
  if (lacks.length > 0) return `the processor lacks ${lacks.join(' and ')}`;
  // The smallest module with a function: () => {}.
  const module = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 4, 1, 2, 0, 11];
  return print(Uint8Array.from(module)).includes('Instructions (size')
    ? null
    : 'this build of Node has no disassembler';
}

const IS_MULTIPLICATION = /\bv?mulps\b|\bvfn?madd\d+ps\b/;
const IS_SPILL = /(?=.*\b[xy]mm\d)(?=.*\[r[bs]p\b)/;
const IS_STORE = /\bv?mov\w+ \[(?!r[bs]p\b)[^\]]*\],[xy]mm/;
const JUMP = /^j(\w+) .*<\+0x([0-9a-f]+)>/;

/** Splits a function at its jumps and their targets. Blocks with calls are omitted: the loops of kernels have none. */
function blocksOf(instructions: readonly Instruction[]): ReadonlyMap<number, Block> {
  const targetOf = ({ text }: Instruction): number | null => {
    const jump = JUMP.exec(text);
    return jump === null ? null : parseInt(jump[2], 16);
  };
  const starts = new Set([0, ...instructions.map(targetOf).filter((target) => target !== null)]);
  const blocks = new Map<number, Block>();
  let block: Instruction[] = [];
  const end = (successors: readonly number[]): void => {
    if (block.length > 0 && !block.some(({ text }) => /\bcall\b/.test(text))) {
      blocks.set(block[0].offset, { instructions: block, successors });
    }
    block = [];
  };
  for (const instruction of instructions) {
    if (starts.has(instruction.offset)) end([instruction.offset]);
    block.push(instruction);
    const target = targetOf(instruction);
    const next = instruction.offset;
    if (target !== null) {
      const following = instructions.find(({ offset }) => offset > next);
      const isConditional = !instruction.text.startsWith('jmp');
      end(isConditional && following !== undefined ? [target, following.offset] : [target]);
    } else if (/^(jmp|ret)/.test(instruction.text)) {
      end([]);
    }
  }
  end([]);
  return blocks;
}

/** The blocks that `start` reaches by at least one step, without leaving `allowed`. */
function reachable(blocks: ReadonlyMap<number, Block>, allowed: ReadonlySet<number>, start: number): Set<number> {
  const reached = new Set<number>();
  const open = [start];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const next of blocks.get(at)?.successors ?? []) {
      if (!allowed.has(next) || reached.has(next)) continue;
      reached.add(next);
      open.push(next);
    }
  }
  return reached;
}

/** The innermost loops among these blocks: sets in which every block reaches every other, but not without its header. */
function innermostLoops(blocks: ReadonlyMap<number, Block>, allowed: ReadonlySet<number>): ReadonlySet<number>[] {
  const reach = new Map([...allowed].map((at) => [at, reachable(blocks, allowed, at)]));
  const loops: ReadonlySet<number>[] = [];
  const seen = new Set<number>();
  for (const at of allowed) {
    if (seen.has(at) || reach.get(at)?.has(at) !== true) continue;
    const loop = new Set([...allowed].filter((other) => reach.get(at)?.has(other) && reach.get(other)?.has(at)));
    for (const each of loop) seen.add(each);
    // The first block that is entered from outside.
    const isEntry = (header: number): boolean =>
      [...allowed].some((from) => !loop.has(from) && blocks.get(from)?.successors.includes(header));
    const header = [...loop].sort((one, other) => one - other).find(isEntry) ?? Math.min(...loop);
    const inner = innermostLoops(blocks, new Set([...loop].filter((each) => each !== header)));
    loops.push(...(inner.length > 0 ? inner : [loop]));
  }
  return loops;
}

function vectorLoopsOf(instructions: readonly Instruction[]): VectorLoop[] {
  const blocks = blocksOf(instructions);
  return innermostLoops(blocks, new Set(blocks.keys()))
    .map((loop) => {
      const texts = [...loop].flatMap((at) => blocks.get(at)?.instructions.map(({ text }) => text) ?? []);
      const count = (pattern: RegExp): number => texts.filter((text) => pattern.test(text)).length;
      return { multiplications: count(IS_MULTIPLICATION), spills: count(IS_SPILL), stores: count(IS_STORE) };
    })
    .filter(({ multiplications }) => multiplications > 0);
}

/** The loops of a module that multiply vectors, by the index of their function, and the indices of exported functions. */
export interface MachineCode {
  readonly loops: ReadonlyMap<number, readonly VectorLoop[]>;
  readonly exports: ReadonlyMap<string, number>;
}

/** @param wasm a module without imports */
export function machineCodeOf(wasm: Uint8Array): MachineCode {
  const [first, ...functions] = print(wasm).split('--- WebAssembly code ---');
  const text = [first, ...functions].join('\n');
  const exports = new Map([...text.matchAll(/^EXPORT (\S+) (\d+)$/gm)].map(([, name, index]) => [name, Number(index)]));
  const loops = functions.map((code) => {
    const index = /^index: (\d+)$/m.exec(code);
    if (index === null || !/^compiler: TurboFan$/m.test(code)) throw new Error('not the output of TurboFan');
    const instructions = [...code.matchAll(/^0x[0-9a-f]+ +([0-9a-f]+) {2}[0-9a-f]+ +(?:REX\.W )?(.*)$/gm)];
    return [
      Number(index[1]),
      vectorLoopsOf(
        instructions.map(([, offset, instruction]) => ({ offset: parseInt(offset, 16), text: instruction })),
      ),
    ] as const;
  });
  return { loops: new Map(loops), exports };
}
