/** A POST whose body does not end, over a socket: what is answered is answered before. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Answered } from './ask.js';

export interface Unfinished {
  readonly answer: Promise<Answered>;
  /** Hangs up. */
  readonly leave: () => void;
}

/** @param length how much is announced; 'chunked' where nothing is. @param sent how much comes */
export async function unfinished(url: string, length: number | 'chunked', sent: number): Promise<Unfinished> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  let all = '';
  socket.on('data', (bytes) => {
    all += bytes.toString('latin1');
  });
  // What is still on its way when the other side closes cannot be delivered.
  socket.on('error', () => undefined);
  // Not by `once`, which an error ends, too.
  const closed = new Promise<void>((resolve) => {
    socket.on('close', () => {
      resolve();
    });
  });
  const answer = closed.then(() => {
    const [head, ...text] = all.split('\r\n\r\n');
    const [first, ...lines] = head.split('\r\n');
    const headers = new Headers(lines.map((line) => line.split(': ', 2) as [string, string]));
    return { status: Number(first.split(' ')[1]), headers, text: text.join('') };
  });
  const kind = length === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`;
  socket.write(`POST / HTTP/1.1\r\nHost: worker\r\nConnection: close\r\n${kind}\r\n\r\n`);
  const body = Buffer.alloc(sent, 0x89);
  socket.write(length === 'chunked' ? Buffer.concat([Buffer.from(`${sent.toString(16)}\r\n`), body]) : body);
  return {
    answer,
    leave: () => {
      socket.destroy();
    },
  };
}
