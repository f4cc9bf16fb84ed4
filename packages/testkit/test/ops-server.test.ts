import { counter, createOpsServer, createRegistry, type OpsServer, type ServiceHealth } from '@moltbot/shared';
import { afterEach, expect, test } from 'vitest';
import { checkServiceContract } from '../src/index.ts';

let health: ServiceHealth = { ok: true };
let server: OpsServer | undefined;

const create = (port = 0): OpsServer => {
  const registry = createRegistry('test');
  counter(registry, { name: 'molt_things_total', help: 'Things.' }).inc(3);
  return createOpsServer({ host: '127.0.0.1', port, registry, ready: () => health });
};

async function started(): Promise<(path: string) => Promise<Response>> {
  const current = create();
  server = current;
  await current.start();
  return (path) => fetch(`http://127.0.0.1:${current.port()}${path}`);
}

afterEach(async () => {
  await server?.stop();
  health = { ok: true };
});

test('it keeps the contract of a service', () => checkServiceContract(() => create()));

test('it is alive while it answers, and ready while what it depends on is', async () => {
  const get = await started();
  expect(server?.health()).toEqual({ ok: true });
  expect((await get('/healthz')).status).toBe(200);
  expect((await get('/readyz')).status).toBe(200);
  health = { ok: false, detail: 'no broker' };
  const unready = await get('/readyz');
  expect([unready.status, await unready.json()]).toEqual([503, { ok: false, detail: 'no broker' }]);
  expect((await get('/healthz')).status).toBe(200);
  expect((await get('/else')).status).toBe(404);
});

test('it shows the metrics of the registry with the name of the service', async () => {
  const get = await started();
  const response = await get('/metrics');
  expect(response.headers.get('content-type')).toContain('text/plain');
  const text = await response.text();
  expect(text).toContain('molt_things_total{service="test"} 3');
  expect(text).toContain('process_resident_memory_bytes{service="test"}');
});

test('once stopped it answers nothing, and says so', async () => {
  const get = await started();
  await get('/healthz');
  await server?.stop();
  expect(server?.health().ok).toBe(false);
  await expect(get('/healthz')).rejects.toThrow();
});

test('a port that is taken makes start fail, and stop clean', async () => {
  await started();
  const second = create(server?.port());
  await expect(second.start()).rejects.toMatchObject({ code: 'MOLT_BAD_CONFIG', cause: { code: 'EADDRINUSE' } });
  await second.stop();
});
