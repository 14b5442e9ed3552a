/** Sends a POST with an incomplete body over a socket. The server must answer before the body ends. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { WorkerAnswer } from './ask.js';

export interface Unfinished {
  readonly answer: Promise<WorkerAnswer>;
  /** Closes the connection. */
  readonly leave: () => void;
}

/** @param length the Content-Length, or 'chunked' for none. @param sent number of bytes to send */
export async function unfinished(url: string, length: number | 'chunked', sent: number): Promise<Unfinished> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  let all = '';
  socket.on('data', (bytes) => {
    all += bytes.toString('latin1');
  });
  // Data that are still being sent when the server closes the connection cause an error.
  socket.on('error', () => undefined);
  // Not `once`, which rejects on an error.
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
