import type { ChatMessage } from '@moltbot/chat';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { clipEnd, clipStart, jsonBytes } from '../src/cards/clip.ts';
import { messageToCard } from '../src/cards/message-to-card.ts';
import { apiFor, message, place, platformFor, signal, startLab } from './lab.ts';

const hostile = [
  '<at id=all></at>',
  '<at user_id="all">all</at>',
  '```\n# title\n```',
  '[click](https://evil.example)',
  '**bold** ~~gone~~ *i* _u_ `code`',
  '| a | b |\n| --- | --- |\n| 1 | 2 |',
  '\u001b[31mred\u001b[0m \u202eturned',
  '"quoted" \\ and <font color="red">red</font>',
  '世界 🙂 \ud800',
];
const words = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: 'grapheme', maxLength: 300 }) },
  { weight: 2, arbitrary: fc.constantFrom(...hostile) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 300 }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...hostile, '"', '长', 'x'), fc.nat(4_000))
      .map(([text, n]) => text.repeat(n).slice(0, 40_000)),
  },
);
const few = <T>(of: fc.Arbitrary<T>, maxLength: number) => fc.option(fc.array(of, { maxLength }), { nil: undefined });
const anyMessage: fc.Arbitrary<ChatMessage> = fc.record({
  tone: fc.constantFrom('working', 'success', 'failure', 'warning', 'neutral'),
  title: fc.option(words, { nil: undefined }),
  text: few(words, 30),
  fields: few(fc.record({ name: words, value: words }), 30),
  code: few(fc.record({ label: fc.option(words, { nil: undefined }), text: words }), 8),
  table: fc.option(
    fc.record({
      head: fc.array(words, { maxLength: 6 }),
      rows: fc.array(fc.array(words, { maxLength: 6 }), { maxLength: 20 }),
    }),
    { nil: undefined },
  ),
  links: few(fc.record({ title: words, url: fc.oneof(fc.webUrl(), fc.constant('javascript:alert(1)')) }), 8),
  buttons: few(
    fc.record({
      id: fc.string({ maxLength: 100 }),
      label: words,
      style: fc.constantFrom('primary', 'neutral', 'danger'),
    }),
    12,
  ),
  footer: fc.option(words, { nil: undefined }),
});

it('makes of every message a card that the platform takes, and that names nobody', async () => {
  const lark = await startLab({ limits: { perSecond: 1e6, perMinute: 1e6, perChat: 1e6 } });
  const api = apiFor(lark);
  const platform = platformFor(lark, api);
  let index = 0;
  await fc.assert(
    fc.asyncProperty(anyMessage, async (any) => {
      index += 1;
      const json = JSON.stringify(messageToCard(any));
      expect(Buffer.byteLength(json)).toBeLessThanOrEqual(30_000);
      await platform.post(place(lark), any, { nonce: `n${index}`, signal });
    }),
    { numRuns: 60 },
  );
  expect(lark.messages('ops')).toHaveLength(index);
  expect(lark.pings()).toEqual([]);
}, 25_000);

it('shows texts as they are, and output in a block that it cannot leave', () => {
  const card = messageToCard(
    message({
      tone: 'failure',
      title: '**exit 2** on web-1',
      text: ['<at id=all></at> [link](https://evil.example)'],
      code: [{ label: 'web-*', text: '\u001b[31mdown\u001b[0m\n```\n<at id=all></at>' }],
      buttons: [{ id: 'rerun:t1', label: 'Rerun *all*', style: 'primary' }],
    }),
  );
  expect(card.header).toEqual({ title: { tag: 'plain_text', content: '**exit 2** on web-1' }, template: 'red' });
  const [first, label, code, row] = card.body.elements;
  expect(first).toEqual({
    tag: 'div',
    text: { tag: 'plain_text', content: '<at id=all></at> [link](https://evil.example)' },
  });
  expect(label).toMatchObject({ text: { tag: 'plain_text', content: 'web-*' } });
  expect(code).toEqual({
    ...{ tag: 'markdown', element_id: 'code_0' },
    content: '```\ndown\n`\u2060`\u2060`\n<\u2060at id=all><\u2060/at>\n```',
  });
  expect(JSON.stringify(row)).toContain('"behaviors":[{"type":"callback","value":{"button":"rerun:t1"}}]');
});

it('keeps the last lines of a long output, and the beginning of all else', () => {
  const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index}`);
  const card = messageToCard(message({ code: [{ text: lines.join('\n') }], footer: 'x'.repeat(5_000) }));
  const [code, footer] = card.body.elements;
  expect(code?.content?.startsWith('```\n…\nline ')).toBe(true);
  expect(code?.content?.endsWith('line 19998\nline 19999\n```')).toBe(true);
  expect(Buffer.byteLength(JSON.stringify(card))).toBeGreaterThan(28_000);
  expect(footer).toMatchObject({ text: { content: expect.stringMatching(/^x+…$/) } });
});

it('gives each of several outputs its share, and what one does not need to the next', () => {
  const card = messageToCard(
    message({ code: [{ text: 'short' }, { text: 'y'.repeat(100_000) }, { text: 'z'.repeat(100_000) }] }),
  );
  const sizes = card.body.elements.map(({ content = '' }) => content.length);
  expect(sizes[0]).toBe('```\nshort\n```'.length);
  expect(Math.abs((sizes[1] ?? 0) - (sizes[2] ?? 0))).toBeLessThan(200);
  expect(sizes[1]).toBeGreaterThan(13_000);
});

it('streams output that grows, but not while a decision is asked for', () => {
  const code = [{ text: 'up' }];
  const streams = (of: Partial<ChatMessage>): boolean => messageToCard(message(of)).config.streaming_mode;
  expect(streams({ code })).toBe(true);
  expect(streams({})).toBe(false);
  expect(streams({ code, tone: 'success' })).toBe(false);
  expect(streams({ code, buttons: [{ id: 'cancel:t1', label: 'Cancel', style: 'danger' }] })).toBe(true);
  expect(streams({ code, buttons: [{ id: 'decide:d1:yes', label: 'Yes', style: 'primary' }] })).toBe(false);
});

it('cuts texts by the bytes that they take, between letters', () => {
  fc.assert(
    fc.property(fc.oneof(words, fc.string({ unit: 'binary' })), fc.integer({ min: 3, max: 400 }), (text, bytes) => {
      for (const clip of [clipEnd, clipStart]) {
        const clipped = clip(text, bytes);
        expect(jsonBytes(clipped)).toBeLessThanOrEqual(bytes);
        if (jsonBytes(text) <= bytes) expect(clipped).toBe(text);
      }
      const clipped = clipEnd(text, bytes);
      if (clipped === text) return;
      const kept = clipped.slice(0, -1);
      expect(text.startsWith(kept)).toBe(true);
      // One letter more would be too much.
      const next = String.fromCodePoint(text.codePointAt(kept.length) ?? 0);
      expect(jsonBytes(`${kept}${next}…`)).toBeGreaterThan(bytes);
    }),
    { numRuns: 300 },
  );
});
