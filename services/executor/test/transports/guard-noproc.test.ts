import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { guardSuite } from './guard-suite.ts';
import { createShellBench, pathWithout } from './shell-support.ts';

const withoutSetsid = await pathWithout(['setsid']);
afterAll(() => rm(withoutSetsid, { recursive: true }));

// As on macOS and the BSDs.
guardSuite('bash without /proc', 'exec bash --norc --noprofile -s', {
  isWithoutProc: true,
  env: { SHELL: '/bin/bash' },
});
guardSuite('dash without /proc or setsid', 'exec dash -s', { isWithoutProc: true, env: { PATH: withoutSetsid } });

test.each([
  ['macOS', 'kern.bootsessionuuid', '7DFCB0C3-9F0C-4B52-8F5B-6B7A7C4E9F11', '7DFCB0C3-9F0C-4B52-8F5B-6B7A7C4E9F11'],
  ['FreeBSD', 'kern.boot_id', 'Dump:0x4c8609698ad1a11c', 'D04c8609698ad1a11c'],
  ['a host without one', 'kern.boottime', '{ sec = 1700000000, usec = 1 }', '-'],
])('the boot of %s is told by its id, never by its time', async (_host, key, value, told) => {
  const PATH = await mkdtemp(join(tmpdir(), 'molt-sysctl-'));
  const standIn = `#!/bin/sh\ncase $2 in ${key}) echo '${value}' ;; *) exit 1 ;; esac\n`;
  await writeFile(join(PATH, 'sysctl'), standIn, { mode: 0o755 });
  const kind = { command: 'exec dash -s', isWithoutProc: true, env: { PATH: `${PATH}:/usr/bin:/bin` } };
  const bench = await createShellBench(kind);
  await bench.once({ command: 'true', guard: { id: 'a' } });
  expect((await bench.record('a.1.go')).split(' ').slice(5)).toEqual([told, '-', 'end\n']);
  await bench.stop();
  await rm(PATH, { recursive: true });
});
