import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { runCli } from '../src/run-cli.ts';

interface Asked {
  readonly call: string;
  readonly key: string | undefined;
  readonly type: string | undefined;
  readonly body: string;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const task = '01890a5d-ac96-774b-bcce-b302099a8057';

let server: Server;
let url = '';
let asked: Asked[] = [];
let answer: Answer = { status: 200, body: '{}' };

beforeAll(async () => {
  server = createServer((request, response) => {
    void note(request).then(() => response.writeHead(answer.status, answer.headers).end(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());
beforeEach(() => {
  asked = [];
  answer = { status: 200, body: '{"id":"x"}' };
});

async function note(request: IncomingMessage): Promise<void> {
  const { method, url: path, headers } = request;
  const { authorization: key, 'content-type': type } = headers;
  asked.push({ call: `${method} ${path}`, key, type, body: await text(request) });
}

async function cli(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runCli(args, {
    print: (line) => void out.push(line),
    complain: (line) => void err.push(line),
    environment: { MOLTBOT_URL: url, MOLTBOT_API_KEY: 'mb_a_b_c', ...environment },
    cwd: '/',
  });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

test.each([
  [['task', 'show', task], `GET /v1/tasks/${task}`, ''],
  [['task', 'cancel', task], `POST /v1/tasks/${task}/cancel`, ''],
  [['task', 'resolve', `${task}.3`, '--done'], `POST /v1/tasks/${task}/runs/3/resolve`, '{"as":"done"}'],
  [
    ['task', 'resolve', '--rerun', `${task}.12`, '--note', 'it was off'],
    `POST /v1/tasks/${task}/runs/12/resolve`,
    '{"as":"rerun","note":"it was off"}',
  ],
  [['dead', 'list'], 'GET /v1/dead-letters', ''],
  [['dead', 'list', '--limit', '5', '--cursor', 'a&b'], 'GET /v1/dead-letters?limit=5&cursor=a%26b', ''],
  [['dead', 'show', 'a/../b'], 'GET /v1/dead-letters/a%2F..%2Fb', ''],
  [['dead', 'replay', 'l-1'], 'POST /v1/dead-letters/l-1/replay', ''],
  [['dead', 'drop', 'l-1'], 'DELETE /v1/dead-letters/l-1', ''],
  [['schedule', 'list', '--limit', '5'], 'GET /v1/schedules?limit=5', ''],
  [['schedule', 'next', 'night', '--count', '3'], 'GET /v1/schedules/night/next?count=3', ''],
  [['schedule', 'history', 'night', '--state', 'missed'], 'GET /v1/schedules/night/occurrences?state=missed', ''],
  [['schedule', 'pause', 'a/b'], 'POST /v1/schedules/a%2Fb/pause', ''],
  [['schedule', 'drop', 'night'], 'DELETE /v1/schedules/night', ''],
  [
    ['schedule', 'backfill', 'night', '--from', '2026-01-01T00:00:00Z', '--to', '2026-01-02T00:00:00Z'],
    'POST /v1/schedules/night/backfill',
    '{"from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z"}',
  ],
  [['notify', 'list', '--limit', '5'], 'GET /v1/notifications?limit=5', ''],
  [['notify', 'test'], 'POST /v1/notifications/test', '{"labels":{}}'],
  [
    ['notify', 'test', '--channel', 'ops', '--severity', 'error', '--label', 'team=db', '--label', 'q=a=b'],
    'POST /v1/notifications/test',
    '{"channel":"ops","severity":"error","labels":{"team":"db","q":"a=b"}}',
  ],
])('%j asks %s', async (args, call, body) => {
  expect(await cli(args)).toEqual({ code: 0, out: '{\n  "id": "x"\n}', err: '' });
  const type = body === '' ? undefined : 'application/json';
  expect(asked).toEqual([{ call, key: 'Bearer mb_a_b_c', type, body }]);
});

test('an answer without a body is said to be done', async () => {
  answer = { status: 204, body: '' };
  expect(await cli(['dead', 'drop', 'l-1'])).toEqual({ code: 0, out: 'done', err: '' });
});

test('a problem is told with its code and what to do', async () => {
  const problem = { code: 'MOLT_NOT_UNKNOWN', detail: 'the run is failed', remedy: 'Look again.', status: 409 };
  answer = { status: 409, body: JSON.stringify(problem) };
  const { code, out, err } = await cli(['task', 'resolve', `${task}.0`, '--done']);
  expect([code, out, err]).toEqual([1, '', 'MOLT_NOT_UNKNOWN: the run is failed. Look again.']);
});

test.each(['<html>', '7', '{}', ''])('an answer %j of somebody else is told as that', async (body) => {
  answer = { status: 502, body };
  const { code, err } = await cli(['task', 'show', task]);
  expect([code, err]).toEqual([1, 'the answer has the status 502 and is none of Moltbot']);
});

test('a redirect is not followed: the key stays here', async () => {
  answer = { status: 307, body: '', headers: { location: `${url}/elsewhere` } };
  const { code, err } = await cli(['task', 'show', task]);
  expect([code, err]).toEqual([1, expect.stringContaining(`${url} cannot be asked`)]);
  expect(asked).toHaveLength(1);
});

test('what cannot be reached is named, with the reason', async () => {
  const { code, err } = await cli(['task', 'show', task, '--url', 'http://127.0.0.1:1']);
  expect([code, err]).toEqual([1, expect.stringMatching(/^http:\/\/127\.0\.0\.1:1 cannot be asked: \S/)]);
});

test('--url and --key are stronger than the variables', async () => {
  await cli(['task', 'show', task, '--url', url, '--key', 'mine'], { MOLTBOT_URL: 'http://127.0.0.1:1' });
  expect(asked).toMatchObject([{ key: 'Bearer mine' }]);
});

test.each([
  [['task', 'resolve', task, '--done'], {}, 'is no id of a run: write TASK.INDEX'],
  [['task', 'resolve', `${task}.0`], {}, 'say one of --done and --rerun'],
  [['task', 'resolve', `${task}.0`, '--done', '--rerun'], {}, 'say one of --done and --rerun'],
  [['task', 'show', task], { MOLTBOT_API_KEY: '' }, 'there is no API key: set MOLTBOT_API_KEY'],
  [['schedule', 'backfill', 'night'], {}, 'say --from and --to, such as 2026-01-31T08:00:00Z'],
  [['notify', 'test', '--label', 'team'], {}, '"team" is no label: write NAME=VALUE'],
  [['task', 'show', task, '--key', 'a b'], {}, 'there is no API key'],
  [['task', 'show', task], { MOLTBOT_URL: 'moltbot:8420' }, 'is no http:// or https:// URL'],
] as const)('%j with %j asks nothing', async (args, environment, message) => {
  const { code, out, err } = await cli(args, environment);
  expect([code, out, asked]).toEqual([2, '', []]);
  expect(err).toContain(message);
});
