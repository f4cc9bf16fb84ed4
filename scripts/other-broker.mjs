// Tests and drills against the RabbitMQ of another Debian release than this machine's: `MOLTBOT_TEST_BROKER=forky npm test -- packages/bus`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fail, say } from './bootstrap.mjs';
import { installPackages, isInstalled } from './debian-servers.mjs';

const mirror = 'http://deb.debian.org/debian';

/**
 * Installs that release with its broker in a directory of its own, once (about a minute, 0.4 GB), and tells the testkit where.
 * Exits when this is not Debian, or not root.
 */
export function useOtherBroker(release = process.env.MOLTBOT_TEST_BROKER) {
  if (!release) return;
  if (!/^[a-z]+$/.test(release)) fail(`MOLTBOT_TEST_BROKER is ${release}: name a Debian release, like trixie`);
  if (process.getuid?.() !== 0) fail(`MOLTBOT_TEST_BROKER needs root: the broker of ${release} runs in a chroot`);
  const root = fileURLToPath(new URL(`../node_modules/.cache/moltbot-broker/${release}`, import.meta.url));
  if (!existsSync(root)) install(release, root);
  process.env.MOLTBOT_TEST_BROKER_ROOT = root;
}

function install(release, root) {
  if (!isInstalled('debootstrap')) installPackages(['debootstrap']);
  say(`installing the RabbitMQ of Debian ${release}`);
  const partial = `${root}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  // The script of sid serves releases that the debootstrap of this machine is too old to know.
  const args = ['--variant=minbase', '--include=rabbitmq-server', release, partial, mirror];
  const script = '/usr/share/debootstrap/scripts/sid';
  const { status } = spawnSync('debootstrap', [...args, script], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) fail(`debootstrap of ${release} failed; ${partial}/debootstrap/debootstrap.log says why`);
  writeFileSync(join(partial, 'etc/hosts'), '127.0.0.1 localhost\n');
  // A path below the root then means the same inside and outside of it.
  mkdirSync(join(partial, dirname(root)), { recursive: true });
  symlinkSync('/', join(partial, root));
  renameSync(partial, root);
}
