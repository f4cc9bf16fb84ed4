import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { loadConfig } from '@moltbot/shared';
import { eventually, freePort, startProcess, untilListening } from '@moltbot/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { openNotificationRoutes } from './notifications-lab.ts';

const page = new URL('../../../docs/notifications.md', import.meta.url);
const cli = fileURLToPath(new URL('../../../packages/cli/src/main.ts', import.meta.url));
const secret = `whsec_${Buffer.alloc(32, 3).toString('base64')}`;
const environment = { NOTIFY_SECRET: secret, SMTP_PASSWORD: 'p' };

/** The blocks of a language, as they are printed. */
const snippets = async (language: string): Promise<readonly string[]> =>
  [...(await readFile(page, 'utf8')).matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map(
    ([, text = '']) => text,
  );

async function openFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'moltbot-notifications-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

test('every configuration of the page is right', async () => {
  const texts = await snippets('yaml');
  expect(texts).toHaveLength(4);
  for (const text of texts) {
    const { config, warnings } = await loadConfig({ text, environment, cwd: '/srv' });
    expect(warnings).toEqual([]);
    expect(config.notifications).not.toEqual(
      (await loadConfig({ text: '{}', environment, cwd: '/srv' })).config.notifications,
    );
  }
});

test('the first webhook: the receiver, the configuration and the commands, as they are printed', async () => {
  const folder = await openFolder();
  const [receiver = ''] = await snippets('js');
  const [commands = ''] = await snippets('sh');
  const [yaml = ''] = await snippets('yaml');
  const port = await freePort();
  await writeFile(join(folder, 'receiver.mjs'), receiver);
  const logFile = join(folder, 'log');
  const env = { ...process.env, ...environment, PORT: String(port) };
  const running = startProcess({ command: process.execPath, args: ['receiver.mjs'], cwd: folder, env, logFile });
  onTestFinished(() => running.kill('SIGKILL'));
  await untilListening(running, port);

  const text = yaml.replace(':9000/', `:${port}/`);
  const { config } = await loadConfig({ text, environment, cwd: folder });
  const lab = await openNotificationRoutes({ config: config.notifications });
  const url = await lab.listen();

  await mkdir(join(folder, '.moltbot'));
  await writeFile(join(folder, '.moltbot/api-key'), 'default\n');
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ scripts: { moltbot: `"${process.execPath}" "${cli}"` } }),
  );
  const { stdout } = await promisify(execFile)('sh', ['-ec', commands], {
    cwd: folder,
    env: { ...process.env, MOLTBOT_URL: url },
  });
  expect(stdout.match(/"state": "sent"/g)).toHaveLength(2);
  const lines = await eventually('the receiver has it', async () =>
    (await readFile(logFile, 'utf8')).match(/^error .*$/gm),
  );
  expect(lines).toEqual(['error Hello from Moltbot']);
});
