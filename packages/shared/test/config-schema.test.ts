// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references are written like this
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { configJsonSchema } from '../src/index.ts';

/** As an editor reads it. */
const editor = z.fromJSONSchema(configJsonSchema());

test('the schema for editors accepts the example with every setting in force, references included', async () => {
  const example = await readFile(new URL('../../../config.example.yaml', import.meta.url), 'utf8');
  const complete: unknown = parse(example.replace(/^(\s*)#(?=\S)/gm, '$1'));
  expect(editor.safeParse(complete).error).toBeUndefined();
});

test.each([
  'gateway: {port: "${env:PORT}"}',
  'gateway: {port: 80, maxWait: "${file:/wait}"}',
  'bus: {kind: "${env:KIND}"}',
  'tenants: {a: {}}',
])('it accepts %s', (text) => {
  expect(editor.safeParse(parse(text)).success).toBe(true);
});

test.each([
  'gatway: {}',
  'gateway: {prot: 1}',
  'gateway: {port: 70000}',
  'gateway: {port: "80"}',
  'gateway: {maxWait: 30x}',
  'log: {level: loud}',
  'tenants: {Bad_One: {}}',
  'tenants: {a: {apiKeys: [{id: abcdefghij}]}}',
  'targets: [{host: h}]',
])('it marks %s', (text) => {
  expect(editor.safeParse(parse(text)).success).toBe(false);
});
