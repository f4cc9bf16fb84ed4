import { once } from 'node:events';
import { createConnection } from 'node:net';

export interface PostedTask {
  readonly action: string;
  readonly args?: object;
  readonly on: string;
  readonly class?: 'at-most-once' | 'guarded';
}

export interface Poster {
  /** Posts a task and waits for its end. */
  run(task: PostedTask): Promise<void>;
  /** Posts a task and goes on. */
  accept(task: PostedTask): Promise<void>;
  close(): void;
}

/**
 * Posts tasks over kept-alive connections, with as little of its own work as can be: it shares the machine with what it measures, and
 * an HTTP client costs as much as an executor does for a task.
 */
export function createPoster(url: string, key: string): Poster {
  const { hostname, port, host } = new URL(url);
  const idle: Line[] = [];
  const head = (path: string): string =>
    `POST ${path} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\n`;
  const post = async (begin: string, task: PostedTask, status: string): Promise<void> => {
    const line = idle.pop() ?? (await openLine(hostname, Number(port)));
    const body = JSON.stringify(task);
    const text = await line.ask(`${begin}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    idle.push(line);
    if (!text.startsWith(status)) throw new Error(`expected ${status}, got ${text}`);
  };
  const heads = { run: head('/v1/tasks?wait=60s'), accept: head('/v1/tasks') };
  return {
    run: (task) => post(heads.run, task, 'HTTP/1.1 200 '),
    accept: (task) => post(heads.accept, task, 'HTTP/1.1 202 '),
    close() {
      for (const line of idle.splice(0)) line.close();
    },
  };
}

/** A kept-alive connection, for one request after the other. */
interface Line {
  /** Resolves to the answer: its head, and its body of `content-length` bytes of ASCII. */
  ask(request: string): Promise<string>;
  close(): void;
}

const lengthName = 'content-length: ';

async function openLine(hostname: string, port: number): Promise<Line> {
  const socket = createConnection({ host: hostname, port, noDelay: true });
  socket.setEncoding('latin1');
  await once(socket, 'connect');
  let text = '';
  let waiting: PromiseWithResolvers<string> | undefined;
  socket.on('data', (part: string) => {
    text += part;
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) return;
    const length = Number.parseInt(text.slice(text.indexOf(lengthName) + lengthName.length), 10);
    if (Number.isNaN(length)) waiting?.reject(new Error(`an answer without its length: ${text}`));
    else if (text.length >= end + 4 + length) waiting?.resolve(text);
  });
  // Its close tells as much.
  socket.on('error', () => {});
  socket.on('close', () => waiting?.reject(new Error(`the gateway closed the connection after "${text}"`)));
  return {
    ask(request) {
      text = '';
      waiting = Promise.withResolvers();
      socket.write(request);
      return waiting.promise;
    },
    close: () => void socket.destroy(),
  };
}
