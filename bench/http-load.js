import { Agent, request } from 'node:http';
/** Posts tasks over kept-alive connections, with as little of its own work as can be: it shares the machine with what it measures. */
export function createPoster(url, key) {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const { hostname, port } = new URL(url);
  const post = (path, body) =>
    new Promise((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      };
      const sent = request({ agent, hostname, port, path, method: 'POST', headers }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part) => {
          text += part;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  const expectStatus = async (path, body, status) => {
    const answer = await post(path, body);
    if (answer.status !== status) throw new Error(`expected ${status}, got ${answer.status}: ${answer.text}`);
  };
  const task = (action, args, on) => JSON.stringify({ action, args, on });
  return {
    run: (action, args, on) => expectStatus('/v1/tasks?wait=60s', task(action, args, on), 200),
    accept: (action, args, on) => expectStatus('/v1/tasks', task(action, args, on), 202),
    close: () => void agent.destroy(),
  };
}
//# sourceMappingURL=http-load.js.map
