import { errorCodes } from '@moltbot/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFixture, type Fixture } from './fixture.ts';
import { type Document, documentOf } from './openapi-check.ts';

let gateway: Fixture;
let document: Document;
beforeAll(async () => {
  gateway = await createFixture();
  document = await documentOf(gateway.url);
});
afterAll(() => gateway[Symbol.asyncDispose]());

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      path,
      operation,
    })),
  );

test('describes every route, and no other', () => {
  expect(document.openapi).toBe('3.1.0');
  expect(
    operations()
      .map(({ name }) => name)
      .sort(),
  ).toEqual([
    'DELETE /v1/chat/people/{id}',
    'DELETE /v1/dead-letters/{id}',
    'DELETE /v1/schedules/{id}',
    'GET /healthz',
    'GET /metrics',
    'GET /readyz',
    'GET /v1/actions',
    'GET /v1/chat/people',
    'GET /v1/dead-letters',
    'GET /v1/dead-letters/{id}',
    'GET /v1/notifications',
    'GET /v1/schedules',
    'GET /v1/schedules/{id}',
    'GET /v1/schedules/{id}/next',
    'GET /v1/schedules/{id}/occurrences',
    'GET /v1/targets',
    'GET /v1/tasks',
    'GET /v1/tasks/{id}',
    'GET /v1/tasks/{id}/data',
    'GET /v1/tasks/{id}/events',
    'GET /v1/tasks/{id}/output',
    'POST /v1/chat/codes',
    'POST /v1/dead-letters/{id}/replay',
    'POST /v1/notifications/test',
    'POST /v1/schedules/preview',
    'POST /v1/schedules/{id}/backfill',
    'POST /v1/schedules/{id}/pause',
    'POST /v1/schedules/{id}/resume',
    'POST /v1/schedules/{id}/run',
    'POST /v1/tasks',
    'POST /v1/tasks/{id}/cancel',
    'POST /v1/tasks/{id}/runs/{index}/resolve',
    'PUT /v1/schedules/{id}',
  ]);
});

test('each operation has a name of its own, its parameters, its answers, and its key', () => {
  const names = operations().map(({ operation }) => operation['operationId']);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, path, operation } of operations()) {
    const parameters = (operation['parameters'] ?? []) as { name: string; in: string; schema: object }[];
    const inPath = parameters.filter((parameter) => parameter.in === 'path').map((parameter) => parameter.name);
    expect(inPath, name).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, each]) => each));
    for (const parameter of parameters) expect(Object.keys(parameter.schema).length, name).toBeGreaterThan(0);
    const statuses = Object.keys(operation.responses);
    if (path.startsWith('/v1')) {
      expect(operation['security'], name).toBeUndefined();
      expect(statuses, name).toEqual(expect.arrayContaining(['4XX', '5XX']));
    } else expect(operation['security'], name).toEqual([]);
    for (const status of statuses)
      expect(operation.responses[status], name).toMatchObject({ description: expect.not.stringContaining('Default') });
  }
});

test('has no reference that leads nowhere', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = '']) => path);
  for (const reference of references) {
    const found = reference
      .split('/')
      .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document);
    expect(found, reference).toBeDefined();
  }
});

test('the page loads nothing from outside', async () => {
  const page = await fetch(`${gateway.url}/docs/`);
  expect(page.status).toBe(200);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
  const html = await page.text();
  const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = '']) => link);
  expect(links.length).toBeGreaterThan(3);
  for (const link of links) {
    const asset = await fetch(new URL(link, `${gateway.url}/docs/`));
    expect(new URL(asset.url).origin, link).toBe(gateway.url);
    expect(asset.status, link).toBe(200);
    await asset.body?.cancel();
  }
});

test('every code has the place its problems point to', async () => {
  const page = await (await fetch(`${gateway.url}/docs/errors`)).text();
  for (const code of errorCodes) expect(page).toContain(`id="${code}"`);
});
