import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';

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
  const idle: Socket[] = [];
  const connected = async (): Promise<Socket> => {
    const socket = createConnection({ host: hostname, port: Number(port), noDelay: true });
    socket.setEncoding('utf8');
    await once(socket, 'connect');
    // Its close tells as much.
    socket.on('error', () => {});
    return socket;
  };
  const post = async (path: string, body: string, status: number): Promise<void> => {
    const socket = idle.pop() ?? (await connected());
    const answer = answerOf(socket);
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
    const text = await answer;
    idle.push(socket);
    if (!text.startsWith(`HTTP/1.1 ${status} `)) throw new Error(`expected ${status}, got ${text}`);
  };
  return {
    run: (task) => post('/v1/tasks?wait=60s', JSON.stringify(task), 200),
    accept: (task) => post('/v1/tasks', JSON.stringify(task), 202),
    close() {
      for (const socket of idle.splice(0)) socket.destroy();
    },
  };
}

/** The next answer, its head and its body of `content-length` bytes. */
function answerOf(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const settle = (act: () => void): void => {
      socket.off('data', read).off('close', fail);
      act();
    };
    const fail = (): void => settle(() => reject(new Error(`the gateway closed the connection after "${text}"`)));
    const read = (part: string): void => {
      text += part;
      const head = text.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = Number(/^content-length: (\d+)/im.exec(text)?.[1] ?? Number.NaN);
      if (Number.isNaN(length)) settle(() => reject(new Error(`an answer without its length: ${text}`)));
      else if (Buffer.byteLength(text) >= head + 4 + length) settle(() => resolve(text));
    };
    socket.on('data', read).on('close', fail);
  });
}
