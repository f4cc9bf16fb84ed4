import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { openExchange } from '../../src/transports/shell/exchange.ts';
import { openWire } from '../../src/transports/shell/wire.ts';

test('a channel that closes tells the exchange that is open, and each that is opened later, but none that was stopped', async () => {
  const ended = Promise.withResolvers<void>();
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const wire = openWire({ stdout, stderr, ended: ended.promise, write: () => {}, close: () => {} });
  const open = () => openExchange(wire, { target: { name: 'web-1' }, onOutput: async () => {} }, () => {});
  const stopped = open();
  stopped.stop();
  const current = open();
  stdout.end();
  stderr.end();
  ended.resolve();
  await expect(current.finished).rejects.toMatchObject({ code: 'MOLT_SSH_LOST' });
  await expect(open().finished).rejects.toMatchObject({ code: 'MOLT_SSH_LOST' });
  await expect(Promise.race([stopped.finished, Promise.resolve('untold')])).resolves.toBe('untold');
});
