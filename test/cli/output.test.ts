import { describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import type { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { guardOutput, OutputError, writeCompletely, type OutputStream } from '../../src/cli/output.js';
import { refusal } from '../io/refusal.js';
import { linuxTest } from '../platform.js';

const systemError = (code: string): Error => Object.assign(new Error(`${code}: it failed`), { code });

/** A stream that records, and fails for texts that name an error. */
function stream(): OutputStream & { text: string } {
  const writable = new Writable({
    autoDestroy: false,
    write(chunk: Buffer, _, done) {
      if (/^E[A-Z]+$/.test(chunk.toString())) {
        done(systemError(chunk.toString()));
        return;
      }
      result.text += chunk.toString();
      done();
    },
  });
  const result = Object.assign(writable, { text: '' });
  return result;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('guardOutput', () => {
  test('reports the first error of stdout', async () => {
    const reports: OutputError[] = [];
    const stdout = stream();
    const guard = guardOutput(stdout, stream(), (error) => reports.push(error));
    expect(guard.failure()).toBeNull();
    stdout.emit('error', systemError('ENOSPC'));
    stdout.emit('error', systemError('EDQUOT'));
    await turn();
    expect(reports).toEqual([refusal(OutputError, 'stdout', 'a file to write', 'a full disk')]);
    expect(guard.failure()).toBe(reports[0]);
  });

  test.each(['EPIPE', 'EIO'])('ignores %s: the reader is gone', async (code) => {
    const stdout = stream();
    const guard = guardOutput(stdout, stream(), () => {
      throw new Error('reported');
    });
    stdout.write(code);
    await turn();
    expect(guard.failure()).toBeNull();
  });

  test('makes both streams write completely', () => {
    const streams = [stream(), stream()].map((each) => Object.assign(each, { fd: 7 }));
    const writes = () => streams.map((each): unknown => Reflect.get(each, '_write'));
    const before = writes();
    guardOutput(streams[0], streams[1]);
    expect(writes().map((write, i) => write === before[i])).toEqual([false, false]);
  });

  test('ignores errors of stderr, which cannot be reported', async () => {
    const stderr = stream();
    const guard = guardOutput(stream(), stderr, () => {
      throw new Error('reported');
    });
    stderr.write('ENOSPC');
    await turn();
    expect(guard.failure()).toBeNull();
  });
});

describe('writeCompletely', () => {
  /** `fs.writeSync` of a disk that takes three bytes a call. @param room bytes until it is full */
  function disk(room: number) {
    const written: [number, string][] = [];
    const write = ((fd: number, chunk: Buffer, at: number) => {
      const length = Math.min(3, chunk.length - at, room);
      if (length === 0) throw systemError('ENOSPC');
      room -= length;
      written.push([fd, chunk.toString('utf8', at, at + length)]);
      return length;
    }) as typeof writeSync;
    return { written, write };
  }

  test('repeats until all bytes are written', async () => {
    const { written, write } = disk(100);
    const file = Object.assign(stream(), { fd: 7 });
    writeCompletely(file, write);
    await new Promise<void>((resolve, reject) => {
      file.write('abcdefgh', (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
    expect(written).toEqual([
      [7, 'abc'],
      [7, 'def'],
      [7, 'gh'],
    ]);
    expect(file.text).toBe('');
  });

  test('reports a disk that takes only a part', async () => {
    const { written, write } = disk(4);
    const file = Object.assign(stream(), { fd: 7 });
    writeCompletely(file, write);
    const error = await new Promise((resolve) => file.on('error', resolve).write('abcdefgh'));
    expect([error, written.length]).toEqual([expect.objectContaining({ code: 'ENOSPC' }), 2]);
  });

  test('leaves sockets and streams without a descriptor', () => {
    const socket = new Socket();
    const plain = stream();
    const hasOwnWrite = (): boolean[] => [socket, plain].map((each) => Object.hasOwn(each, '_write'));
    const before = hasOwnWrite();
    for (const each of [socket, plain]) writeCompletely(each, disk(0).write);
    expect(hasOwnWrite()).toEqual(before);
    plain.write('text');
    expect(plain.text).toBe('text');
    socket.destroy();
  });
});

const MAIN = fileURLToPath(new URL('../../dist/node/cli.js', import.meta.url));
const onLinux = linuxTest('/dev/full');

/** Runs the list of variants with files as its streams. */
async function summary(stdout: number | 'pipe', stderr: number | 'pipe') {
  const child = spawn(process.execPath, [MAIN, 'summary'], { stdio: ['ignore', stdout, stderr] });
  const output = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  const status = await new Promise((resolve) => child.on('close', resolve));
  return { status, ...output };
}

onLinux('a full disk behind stdout gives one line and exit status 1', async () => {
  expect(await summary(openSync('/dev/full', 'w'), 'pipe')).toEqual({
    status: 1,
    stdout: '',
    stderr: 'OutputError: stdout: expected a file to write, got a full disk\n',
  });
});

onLinux('a full disk behind stderr changes nothing', async () => {
  const { status, stdout } = await summary('pipe', openSync('/dev/full', 'w'));
  expect([status, stdout]).toEqual([0, expect.stringContaining('vanillanet_13')]);
});
