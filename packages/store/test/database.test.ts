import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { newId, silentLogger } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import { afterAll, describe, expect, it } from 'vitest';
import { createSqliteStore, type SqliteStore } from '../src/index.ts';
import { createDatabase } from '../src/sqlite/database.ts';
import { migrations } from '../src/sqlite/schema.ts';
import { claimOf, newTask } from './fixtures.ts';

const directory = mkdtempSync(join(tmpdir(), 'moltbot-database-'));
afterAll(() => rmSync(directory, { recursive: true }));
const newFile = (): string => join(directory, `${newId()}.db`);
const open = (file: string): SqliteStore =>
  createSqliteStore({ file, retention: { tasksMs: 1e9, outputMs: 1e9 }, log: silentLogger });

/** A process of its own that accepts tasks as fast as it can, and prints the id of each that was accepted. */
function writer(file: string, limit = '') {
  const script = join(import.meta.dirname, 'children', 'accept-tasks.ts');
  const child = spawn('/bin/sh', ['-c', `${limit} exec "$0" "$1" "$2"`, process.execPath, script, file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  const reader = createInterface(child.stdout).on('line', (line) => lines.push(line));
  const ended = Promise.all([
    new Promise((resolve) => child.once('exit', resolve)),
    new Promise((resolve) => reader.once('close', resolve)),
  ]);
  const printed = async (count: number): Promise<void> => {
    while (lines.length < count) await new Promise((resolve) => reader.once('line', resolve));
  };
  return { child, lines, printed, ended };
}

describe('steps', () => {
  it('of one turn are one transaction, and one that fails is undone alone', async () => {
    const database = createDatabase(':memory:');
    database.open();
    const insert = (name: string, fail = false) =>
      database.step((sql) => {
        sql.run('INSERT INTO leases (name, owner, until, epoch) VALUES (?, ?, 0, 0)', name, 'me');
        if (fail) throw new Error('on purpose');
        return sql.get<{ n: number }>('SELECT count(*) AS n FROM leases')?.n;
      });
    const outcomes = await Promise.allSettled([insert('a'), insert('b', true), insert('c'), insert('a'), insert('d')]);
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    expect(await database.step((sql) => sql.all('SELECT name FROM leases ORDER BY name'))).toEqual([
      { name: 'a' },
      { name: 'c' },
      { name: 'd' },
    ]);
    database.close();
  });

  it('asked for before the end are done at the end, those after it are refused', async () => {
    const file = newFile();
    const store = open(file);
    await store.start();
    const { task, orders } = newTask();
    const accepted = store.acceptTask({ task, orders });
    await store.stop();
    expect(await accepted).toEqual({ kind: 'new' });
    await expect(store.getTask('acme', task.id)).rejects.toMatchObject({ code: 'MOLT_STORE_DOWN' });
    const again = open(file);
    await again.start();
    expect(await again.getTask('acme', task.id)).toMatchObject({ state: 'queued' });
    await again.stop();
  });
});

describe('the file', () => {
  it('has all that was accepted after kill -9', async () => {
    const file = newFile();
    const { child, lines, printed, ended } = writer(file);
    await printed(50);
    child.kill('SIGKILL');
    await ended;
    const store = open(file);
    await store.start();
    for (const id of lines) expect(await store.getTask('acme', id)).toMatchObject({ state: 'queued' });
    expect(lines.length).toBeGreaterThanOrEqual(50);
    await store.stop();
  });

  it('belongs to one process, and a second one is told so', async () => {
    const file = newFile();
    const { child, printed, ended } = writer(file);
    await printed(1);
    const second = open(file);
    await expect(second.start()).rejects.toMatchObject({
      code: 'MOLT_STORE_DOWN',
      message: expect.stringContaining('in use by another process'),
    });
    expect(second.health().ok).toBe(false);
    await second.stop();
    child.kill('SIGKILL');
    await ended;
    await second.start();
    expect(second.health().ok).toBe(true);
    await second.stop();
  });

  it('is whole by itself after a stop', async () => {
    const file = newFile();
    const store = open(file);
    await store.start();
    const { task, orders } = newTask();
    await store.acceptTask({ task, orders });
    await store.stop();
    expect(existsSync(`${file}-wal`)).toBe(false);
    const copy = newFile();
    copyFileSync(file, copy);
    const restored = open(copy);
    await restored.start();
    expect(await restored.getTask('acme', task.id)).toMatchObject({ task });
    await restored.stop();
  });

  it('that cannot grow refuses what it cannot keep, and keeps what it took', async () => {
    const file = newFile();
    const { lines, ended } = writer(file, 'ulimit -f 800;');
    await ended;
    expect(lines.at(-1)).toBe('refused MOLT_STORE_DOWN, still reads queued, health false');
    const accepted = lines.slice(0, -1);
    const store = open(file);
    await store.start();
    for (const id of accepted) expect(await store.getTask('acme', id)).toMatchObject({ state: 'queued' });
    expect(accepted.length).toBeGreaterThan(0);
    const { task, orders } = newTask();
    expect(await store.acceptTask({ task, orders })).toEqual({ kind: 'new' });
    await store.stop();
    const db = new DatabaseSync(file);
    expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    db.close();
  });

  it('of the first version is brought up to date with what is in it', async () => {
    const file = newFile();
    const old = new DatabaseSync(file);
    old.exec(`${migrations[0]}; PRAGMA user_version = 1`);
    const { task, orders } = newTask();
    const values = [task.principal.tenant, task.id, JSON.stringify(task), task.action, task.acceptedAt];
    old
      .prepare(`INSERT INTO tasks VALUES (?, ?, ?, ?, ?, 'queued', '{"queued":1}', 1, 0, 0, NULL, NULL)`)
      .run(...values);
    const [order] = orders;
    if (!order) throw new Error('no order');
    old
      .prepare(`INSERT INTO runs (tenant, id, task_id, place, target, state) VALUES (?, ?, ?, 0, ?, 'queued')`)
      .run(task.principal.tenant, order.runId, task.id, JSON.stringify(order.target));
    old.close();
    const store = open(file);
    await store.start();
    expect(await store.getTask('acme', task.id)).toMatchObject({ task, state: 'queued' });
    const claimed = await store.claimRun(claimOf(order, { start: true }));
    expect(claimed).toMatchObject({ verdict: 'run', attempt: 1 });
    expect(await store.getRuns('acme', task.id)).toMatchObject([{ state: 'running', history: [] }]);
    await store.stop();
  });

  it('loses the records whose time is over, and no others', async () => {
    const file = newFile();
    const store = open(file);
    await store.start();
    const nameOf = (id: string) => ({ tenant: 'acme', kind: 'test.kept', id });
    await store.putRecord(nameOf('over'), 'x', { keepMs: 1 });
    await store.putRecord(nameOf('later'), 'x', { keepMs: 600_000 });
    await store.putRecord(nameOf('ever'), 'x');
    await eventually('its time is over', async () => (await store.getRecord(nameOf('over'))) === undefined);
    await store.expire();
    await store.stop();
    const db = new DatabaseSync(file);
    expect(db.prepare('SELECT id FROM records ORDER BY id').all()).toEqual([{ id: 'ever' }, { id: 'later' }]);
    db.close();
  });

  it('of a newer version, of another program, or in no directory is refused with the reason', async () => {
    const newer = newFile();
    const db = new DatabaseSync(newer);
    db.exec('PRAGMA user_version = 999');
    db.close();
    await expect(open(newer).start()).rejects.toMatchObject({ code: 'MOLT_STORE_DOWN', message: /newer version/ });
    const other = newFile();
    copyFileSync(import.meta.filename, other);
    await expect(open(other).start()).rejects.toMatchObject({ code: 'MOLT_STORE_DOWN', message: /not a database/ });
    const nowhere = join(directory, 'no', 'such', 'x.db');
    await expect(open(nowhere).start()).rejects.toMatchObject({ code: 'MOLT_STORE_DOWN', message: /unable to open/ });
  });
});
