import { readFile } from 'node:fs/promises';
import { configJsonSchema, errorCodes, isMoltError, loadConfig } from '@moltbot/shared';
import { describe, expect, test } from 'vitest';
import { configurationTable, documentedKeys, errorTable, fill } from './support/documents.ts';

const root = new URL('../../../', import.meta.url);
const read = (name: string): Promise<string> => readFile(new URL(name, root), 'utf8');

/** Where vitest looks for the files, from this one. */
const atRoot = (name: string): string => `../../../${name}`;

describe('what is made from code is as the code is now', () => {
  test('docs/errors.md', async () => {
    await expect(fill(await read('docs/errors.md'), errorTable())).toMatchFileSnapshot(atRoot('docs/errors.md'));
  });

  test('docs/configuration.md', async () => {
    const name = 'docs/configuration.md';
    await expect(fill(await read(name), configurationTable())).toMatchFileSnapshot(atRoot(name));
  });

  test('config.schema.json', async () => {
    const text = `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
    await expect(text).toMatchFileSnapshot(atRoot('config.schema.json'));
  });
});

test('every error has a title and a remedy that are sentences', async () => {
  const table = errorTable();
  expect(table.split('\n')).toHaveLength(errorCodes.length + 2);
  for (const row of table.split('\n').slice(2))
    expect(row).toMatch(/^\| `MOLT_[A-Z_]+` \| [45]\d\d \| [A-Z].+ \| .+\. \|$/);
});

describe('config.example.yaml', () => {
  /** Settings stand in comments whose # has no space after it. */
  const complete = async (): Promise<string> => (await read('config.example.yaml')).replace(/^(\s*)#(?=\S)/gm, '$1');
  const environment = {
    MOLTBOT_BUS_KIND: 'amqp',
    MOLTBOT_STORE_KIND: 'redis',
    AMQP_PASSWORD: 'a',
    REDIS_PASSWORD: 'b',
    SSH_PASSPHRASE: 'c',
    SSH_AUTH_SOCK: '/run/agent',
    DISCORD_TOKEN: 'd',
    LARK_APP_SECRET: 'd',
    LARK_ENCRYPT_KEY: 'd',
    LARK_VERIFICATION_TOKEN: 'd',
    NOTIFY_SECRET: `whsec_${Buffer.alloc(32).toString('base64')}`,
  };

  test('says the defaults: with it and without it the same is in force', async () => {
    const cwd = '/srv/moltbot';
    const withIt = await loadConfig({ text: await read('config.example.yaml'), environment: {}, cwd });
    const without = await loadConfig({ environment: {}, cwd });
    expect(withIt).toEqual(without);
  });

  test('is right with every setting in force', async () => {
    const readSecret = async (path: string): Promise<string> => `content of ${path}\n`;
    const { config, warnings } = await loadConfig({
      text: await complete(),
      environment,
      cwd: '/srv/moltbot',
      readFile: readSecret,
    }).catch((error: unknown) =>
      expect.fail(isMoltError(error) ? JSON.stringify(error.places, null, 1) : String(error)),
    );
    expect(config.bus.kind === 'amqp' && config.bus.url.reveal()).toBe('amqp://moltbot:a@rabbitmq:5672/moltbot');
    expect(config.ssh.identities['default']?.privateKey?.reveal()).toBe('content of /run/secrets/id_ed25519');
    expect(config.targets.map(({ name }) => name)).toEqual(['local', 'web-1']);
    expect(warnings).toEqual([]);
  });

  test('has every key', async () => {
    const lines = (await complete()).split('\n');
    const missing = documentedKeys().filter(({ name }) => {
      const key = name
        .replace(/(?:\[\]|\.<id>)+$/, '')
        .split('.')
        .at(-1);
      return !lines.some((line) => line.replace(/^[\s-]*/, '').startsWith(`${key}:`));
    });
    expect(missing.map(({ name }) => name)).toEqual([]);
  });
});
