import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { systemClock } from '@moltbot/shared';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type EngineChannel, type EngineConnection, NotSentError } from '../../src/transports/ssh/engine.ts';
import type { PooledShell } from '../../src/transports/ssh/resident-pool.ts';
import {
  createSharedConnection,
  type Place,
  type SharedConnection,
} from '../../src/transports/ssh/shared-connection.ts';

/** A host that grants so many sessions at a time and refuses more. */
function fakeHost(maxSessions: number): {
  readonly engine: EngineConnection;
  readonly open: () => number;
  readonly most: () => number;
} {
  const closed = Promise.withResolvers<undefined>();
  let open = 0;
  let most = 0;
  const channel = (): EngineChannel => {
    const ended = Promise.withResolvers<{ exitCode: number }>();
    let isOpen = true;
    const close = (): void => {
      if (isOpen) open--;
      isOpen = false;
      ended.resolve({ exitCode: 0 });
    };
    return {
      stdout: new PassThrough(),
      stderr: new PassThrough(),
      write: () => {},
      endInput: () => {},
      signal: () => {},
      close,
      discard: close,
      isOpen: () => isOpen,
      ended: ended.promise,
    };
  };
  const engine: EngineConnection = {
    async exec() {
      await turn();
      if (open >= maxSessions) throw new NotSentError(true, new Error('open failed'));
      open++;
      most = Math.max(most, open);
      return channel();
    },
    isOpen: () => true,
    closed: closed.promise,
    close: () => closed.resolve(undefined),
  };
  return { engine, open: () => open, most: () => most };
}

interface Command {
  readonly kind: 'shell' | 'session';
  readonly turns: number;
  /** Can its shell take another command afterwards? */
  readonly leavesShell: boolean;
}

const commands = fc.array(
  fc.record<Command>({
    kind: fc.constantFrom('shell', 'shell', 'session'),
    turns: fc.nat(3),
    leavesShell: fc.boolean(),
  }),
  { minLength: 1, maxLength: 40 },
);

test('whatever the host grants, every command has its turn, no shell has two, and no session is lost', () =>
  fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 10 }),
      fc.integer({ min: 1, max: 8 }),
      commands,
      async (maxSessions, channels, all) => {
        const host = fakeHost(maxSessions);
        const reusable = new Map<EngineChannel, boolean>();
        const busy = new Set<EngineChannel>();
        const connection = createSharedConnection({
          engine: host.engine,
          channels,
          idleCloseMs: 60_000,
          clock: systemClock,
          shellCommand: 'sh -s',
          openShell: async (channel) => ({
            exec: async () => ({ exitCode: 0 }),
            forget: () => {},
            isReusable: () => reusable.get(channel) ?? true,
            close: () => channel.close(),
          }),
          onRelease: () => {},
        });
        let done = 0;
        const use = async ({ channel }: PooledShell, { turns, leavesShell }: Command): Promise<void> => {
          expect(busy.has(channel), 'the shell is busy').toBe(false);
          busy.add(channel);
          for (let left = turns; left > 0; left--) await turn();
          busy.delete(channel);
          reusable.set(channel, leavesShell);
        };
        await Promise.all(
          all.map(async (command) => {
            while (!(await tryOn(connection, command, use))) await turn();
            done++;
          }),
        );
        expect(done).toBe(all.length);
        expect(host.most()).toBeLessThanOrEqual(channels);
        const idle = host.open();
        expect(idle).toBeLessThanOrEqual(Math.min(channels, maxSessions));
        expect(connection.hasShell(), 'what is open waits for a command').toBe(idle > 0);
        connection.close();
        await turn();
        expect(host.open()).toBe(0);
      },
    ),
    { numRuns: 300 },
  ));

/** @returns false when the host refused a session */
async function tryOn(
  connection: SharedConnection,
  command: Command,
  use: (shell: PooledShell, command: Command) => Promise<void>,
): Promise<boolean> {
  const { signal } = new AbortController();
  const place = await connection.place({ signal, front: false });
  try {
    if (command.kind === 'shell') await use(place.takeShell() ?? (await place.openShell(signal)), command);
    else await runSession(place, command);
    return true;
  } catch (error) {
    if (error instanceof NotSentError) return false;
    throw error;
  } finally {
    place.release();
  }
}

async function runSession(place: Place, { turns }: Command): Promise<void> {
  const channel = await place.exec('true');
  for (let left = turns; left > 0; left--) await turn();
  channel.close();
}
