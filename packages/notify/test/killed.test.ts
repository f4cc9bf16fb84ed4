import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { eventually } from '@moltbot/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { secret, startReceiver } from './receiver.ts';

const program = fileURLToPath(new URL('children/deliver.ts', import.meta.url));

test('killed again and again: what was kept is told, and copies have the id and the words of the first', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'moltbot-notify-'));
  const file = join(folder, 'store.db');
  let onPost = (): void => {};
  const receiver = await startReceiver((response) => {
    onPost();
    response.writeHead(204).end();
  });
  const kept = new Set<string>();
  let child: ChildProcess | undefined;
  onTestFinished(async () => {
    child?.kill('SIGKILL');
    await rm(folder, { recursive: true });
  });
  const perLife = 40;
  const lives = 9;
  for (let life = 0; life < lives; life++) {
    const args = [program, file, receiver.url, secret, `${life * perLife}`, `${perLife}`];
    const running = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    child = running;
    const ended = once(running, 'exit');
    const killAfter = (events: number): (() => void) => {
      let left = life === lives - 1 ? Number.POSITIVE_INFINITY : events;
      return () => {
        left -= 1;
        if (left === 0) running.kill('SIGKILL');
      };
    };
    // By turns: after the receiver has it and before its answer; in the middle of raising.
    onPost = killAfter(life % 2 === 0 ? 1 + life : Number.POSITIVE_INFINITY);
    const onLine = killAfter(life % 2 === 0 ? Number.POSITIVE_INFINITY : 5 * life);
    createInterface({ input: running.stdout }).on('line', (line) => {
      kept.add(line);
      onLine();
    });
    if (life < lives - 1) await ended;
  }
  const told = () => new Set(receiver.posts.flatMap(({ body }) => body.data.notifications.map(({ id }) => id)));
  await eventually(
    'everything that was kept is told',
    () => kept.size > 0 && kept.isSubsetOf(told()) && kept.has(`n${lives * perLife - 1}`),
    {
      withinMs: 25_000,
    },
  );
  const words = new Map<string, Set<string>>();
  for (const { id, text } of receiver.posts) words.set(id, (words.get(id) ?? new Set()).add(text));
  for (const [id, texts] of words) expect([id, texts.size]).toEqual([id, 1]);
  const batches = [...words.values()].map(([one = '']) => one);
  const ids = batches.flatMap((one) => JSON.parse(one).data.notifications.map((each: { id: string }) => each.id));
  expect(new Set(ids).size).toBe(ids.length);
  expect(receiver.posts.length).toBeGreaterThan(words.size);
});
