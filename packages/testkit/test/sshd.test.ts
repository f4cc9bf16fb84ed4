import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { startSshd } from '@moltbot/testkit';
import { expect, it } from 'vitest';

const run = promisify(execFile);

it('makes a user once, who owns its home, however many servers ask for it at a time', async () => {
  const user = `moltrace${process.pid}`;
  const sshds = await Promise.all(Array.from({ length: 4 }, () => startSshd({ user })));
  try {
    const { stdout: uid } = await run('id', ['-u', user]);
    expect((await stat(`/home/${user}`)).uid).toBe(Number(uid));
  } finally {
    await Promise.all(sshds.map((sshd) => sshd.stop()));
    await run('userdel', ['-r', user]).catch(() => {});
  }
});
