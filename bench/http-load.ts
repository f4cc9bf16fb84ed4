import { Agent, request } from 'node:http';

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

/** Posts tasks over kept-alive connections, with as little of its own work as can be: it shares the machine with what it measures. */
export function createPoster(url: string, key: string): Poster {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const { hostname, port } = new URL(url);
  const post = (path: string, body: string): Promise<{ readonly status: number; readonly text: string }> =>
    new Promise((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      };
      const sent = request({ agent, hostname, port, path, method: 'POST', headers }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          text += part;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      });
      sent.on('error', reject);
      sent.end(body);
    });

  const expectStatus = async (path: string, body: string, status: number): Promise<void> => {
    const answer = await post(path, body);
    if (answer.status !== status) throw new Error(`expected ${status}, got ${answer.status}: ${answer.text}`);
  };

  return {
    run: (task) => expectStatus('/v1/tasks?wait=60s', JSON.stringify(task), 200),
    accept: (task) => expectStatus('/v1/tasks', JSON.stringify(task), 202),
    close: () => void agent.destroy(),
  };
}
