import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startProcess, untilListening } from '@moltbot/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { newTask, openCallbacksLab, secret } from './callbacks-lab.ts';

const page = new URL('../../../docs/callbacks.md', import.meta.url);

/** The block of a language, as it is printed. */
async function snippet(language: string): Promise<string> {
  const found = new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(await readFile(page, 'utf8'));
  return found?.[1] ?? expect.unreachable(`there is no ${language} in the page`);
}

/** Runs a receiver of the page; the lines it printed are in `lines`. */
async function startSnippet(language: string, [command, file]: readonly [string, string]) {
  const cwd = await mkdtemp(join(tmpdir(), 'moltbot-callbacks-'));
  await writeFile(join(cwd, file), await snippet(language));
  const port = await freePort();
  const env = { ...process.env, CALLBACK_SECRET: secret, PORT: String(port) };
  const server = startProcess({ command, args: [file], cwd, env, logFile: join(cwd, 'log') });
  onTestFinished(async () => {
    await server.kill('SIGKILL');
    await rm(cwd, { recursive: true });
  });
  await untilListening(server, port);
  const lines = async (): Promise<readonly string[]> => (await readFile(join(cwd, 'log'), 'utf8')).split('\n');
  return { url: `http://127.0.0.1:${port}/moltbot`, lines };
}

const hasPython = spawnSync('python3', ['--version']).status === 0;

const receivers: readonly (readonly [string, readonly [string, string], boolean])[] = [
  ['js', [process.execPath, 'receiver.mjs'], true],
  ['python', ['python3', 'receiver.py'], hasPython],
];

test.each(receivers.filter(([, , runs]) => runs))(
  'the receiver in %s takes what is signed, once',
  async (...[language, command]) => {
    const lab = await openCallbacksLab();
    const receiver = await startSnippet(language, command);
    const forgetful = { ...lab.store, wasDelivered: async () => false };
    const { count, service } = await lab.deliverer({ store: forgetful });
    const task = await lab.send({ url: receiver.url, state: 'failed' });
    await lab.settled();
    await lab.send({ url: receiver.url, task });
    await lab.settled();
    expect(await count('delivered')).toBe(2);
    expect((await receiver.lines()).filter((line) => line === `${task.id} failed`)).toHaveLength(1);
    await service.stop();

    await lab.deliverer({ giveUpAfterMs: 0 });
    const other = { url: receiver.url, secret: `whsec_${Buffer.alloc(32).toString('base64')}` };
    const forged = newTask(receiver.url, { origin: { kind: 'http', requestId: 'r-1', callback: other } });
    await lab.send({ url: receiver.url, task: forged });
    const [letter] = await lab.dead();
    expect(letter?.reason).toBe('MOLT_CALLBACK_FAILED: 401');
    expect((await receiver.lines()).join()).not.toContain(forged.id);
  },
);
