import type { ChatMessage } from '@moltbot/chat';
import { startDiscord } from '@moltbot/testkit';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { ansiOf } from '../src/message/ansi.ts';
import { codeBlock } from '../src/message/code-block.ts';
import { escaped } from '../src/message/escape.ts';
import { messageToPayload } from '../src/message/message-to-payload.ts';

const nasty = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({
    unit: fc.constantFrom(
      '`',
      '```',
      '\n',
      '*',
      '_',
      '\\',
      '<@1>',
      '@everyone',
      'https://x.example',
      '\u001b[31m',
      '中',
      '👍',
      ' ',
    ),
  }),
  fc.string({ unit: fc.constantFrom('a', '`', '\n', '汉', '\u001b[1;38;5;200m'), minLength: 1_000, maxLength: 9_000 }),
);
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const messages: fc.Arbitrary<ChatMessage> = fc.record({
  tone: fc.constantFrom('working', 'success', 'failure', 'warning', 'neutral'),
  title: optional(nasty),
  text: optional(fc.array(nasty, { maxLength: 4 })),
  fields: optional(fc.array(fc.record({ name: nasty, value: nasty }), { maxLength: 30 })),
  code: optional(fc.array(fc.record({ label: optional(nasty), text: nasty }), { maxLength: 4 })),
  table: optional(
    fc.record({
      head: fc.array(nasty, { maxLength: 4 }),
      rows: fc.array(fc.array(nasty, { maxLength: 5 }), { maxLength: 13 }),
    }),
  ),
  links: optional(fc.array(fc.record({ title: nasty, url: fc.oneof(nasty, fc.webUrl()) }), { maxLength: 4 })),
  buttons: optional(
    fc.array(
      fc.record({
        id: fc.oneof(nasty, fc.string({ maxLength: 100 })),
        label: nasty,
        style: fc.constantFrom('primary', 'neutral', 'danger'),
      }),
      {
        maxLength: 30,
      },
    ),
  ),
  footer: optional(nasty),
});

describe('whatever a message is', () => {
  let post: (body: unknown) => Promise<{ status: number; body: unknown }>;
  beforeAll(async () => {
    const discord = await startDiscord({
      rateLimits: { 'POST /channels/:channel/messages': 'none' },
      limits: { globalRequests: 1_000_000 },
    });
    post = async (body) => {
      const response = await fetch(`${discord.api}/v10/channels/${discord.channelId('general')}/messages`, {
        method: 'POST',
        headers: {
          authorization: `Bot ${discord.token}`,
          'content-type': 'application/json',
          'user-agent': 'DiscordBot (https://x.example, 1)',
        },
        body: JSON.stringify(body),
      });
      return { status: response.status, body: await response.json() };
    };
    return () => discord.stop();
  });

  it('is a body that Discord takes', async () => {
    await fc.assert(
      fc.asyncProperty(messages, async (message) => {
        const payload = messageToPayload(message);
        const answer = await post(payload);
        expect(answer, JSON.stringify(payload)).toMatchObject({ status: 200 });
      }),
      { numRuns: 300 },
    );
  });
});

it('shows nothing as markup that is not ours: outside of blocks every mark is escaped', () => {
  fc.assert(
    fc.property(nasty, (text) => {
      const shown = escaped(text, 4_096);
      // What is escaped is taken away; no mark is left that would begin something.
      const rest = shown.replace(/\\[^0-9A-Za-z\s]/g, '');
      expect(rest).not.toMatch(/[*_~`|<>[\]\\]|@(?:everyone|here)|https?:\/\/|^\s*(?:[-+#]|\d+\.)/m);
    }),
  );
});

it('loses nothing of a text by escaping it', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 300 }), (text) => {
      expect(escaped(text, 10_000).replace(/\\([^0-9A-Za-z\s])/g, '$1')).toBe(text.trim());
    }),
  );
});

it('never ends a block before its end, and keeps the newest lines', () => {
  fc.assert(
    fc.property(nasty, fc.integer({ min: 20, max: 3_000 }), (text, max) => {
      const block = codeBlock(text, max);
      expect(block.length).toBeLessThanOrEqual(max);
      if (block !== '') expect(block.match(/```/g)).toHaveLength(2);
    }),
  );
  const lines = Array.from({ length: 500 }, (_, index) => `line ${index}`).join('\n');
  const block = codeBlock(lines, 200);
  expect(block).toMatch(/^```\n…\nline \d+\n/);
  expect(block).toMatch(/line 499\n```$/);
});

it('keeps the colours that Discord has, maps bright ones, and drops the others with their figures', () => {
  expect(
    ansiOf('\u001b[1;31mred\u001b[0m \u001b[92mgreen\u001b[39m \u001b[38;5;200mpink\u001b[2J\u001b]0;title\u0007.'),
  ).toBe('\u001b[1;31mred\u001b[0m \u001b[32mgreen\u001b[0m pink.');
  expect(codeBlock('\u001b[31mred', 100)).toBe('```ansi\n\u001b[31mred\n```');
});

it('cuts the widest cells of a table that would be broken into lines, and no others', () => {
  const table = {
    head: ['Hosts', 'Result', 'Output'],
    rows: [['28 hosts: 网站-1, 网站-2, 网站-3, +25', 'failed, exit code 9', 'x'.repeat(60)]],
  };
  const { description = '' } = messageToPayload({ tone: 'failure', table }).embeds[0];
  const [, , row = ''] = description.split('\n');
  expect(row).toMatch(/^28 hosts: .*… {2,}failed, exit code 9 {2}x+…$/);
  expect([...row].length + (row.match(/\p{sc=Han}/gu)?.length ?? 0)).toBeLessThanOrEqual(60);
});

it('shows a whole message in order', () => {
  const {
    embeds,
    components,
    allowed_mentions: allowed,
  } = messageToPayload({
    tone: 'failure',
    title: 'deploy_api failed',
    text: ['Asked by @everyone', 'See https://x.example'],
    fields: [{ name: 'Host', value: 'web-1' }],
    code: [{ label: 'web-1', text: 'a```b' }],
    table: {
      head: ['host', 'state'],
      rows: [
        ['网站', 'ok'],
        ['db-1', 'failed'],
      ],
    },
    links: [
      { title: 'log', url: 'https://x.example/a(b)' },
      { title: 'no', url: 'javascript:alert(1)' },
    ],
    buttons: [{ id: 'rerun:1', label: 'Rerun', style: 'primary' }],
    footer: 'task 1',
  });
  expect(allowed).toEqual({ parse: [] });
  expect(embeds[0]).toMatchObject({ color: 0xe74c3c, title: 'deploy\\_api failed', footer: { text: 'task 1' } });
  expect(embeds[0].description).toBe(
    [
      'Asked by \\@everyone\nSee https\\://x.example',
      '```\nhost  state\n网站  ok\ndb-1  failed\n```',
      '**web-1**\n```\na`\u200b`\u200b`b\n```',
      '[log](https://x.example/a%28b%29)',
    ].join('\n'),
  );
  expect(components).toEqual([{ type: 1, components: [{ type: 2, custom_id: 'rerun:1', label: 'Rerun', style: 1 }] }]);
});
