// The tests run against real servers; on Debian, as root, they are installed when missing.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fail, say } from './bootstrap.mjs';

const servers = [
  { command: 'rabbitmq-server', debianPackage: 'rabbitmq-server', unit: 'rabbitmq-server' },
  { command: 'redis-server', debianPackage: 'redis-server', unit: 'redis-server' },
  { command: 'sshd', debianPackage: 'openssh-server', unit: 'ssh' },
  // Shells of targets.
  { command: 'busybox', debianPackage: 'busybox' },
  { command: 'ksh93', debianPackage: 'ksh93u+m' },
  { command: 'mksh', debianPackage: 'mksh' },
  { command: 'zsh', debianPackage: 'zsh' },
  { command: 'yash', debianPackage: 'yash' },
  // What a target may have instead of /proc and setsid.
  { command: 'ps', debianPackage: 'procps' },
  { command: 'python3', debianPackage: 'python3-minimal' },
];
const aptOptions = ['-o', 'DPkg::Lock::Timeout=500'];
const policyFile = '/usr/sbin/policy-rc.d';

/** Exits with the command to run when servers are missing and cannot be installed here. */
export function ensureServers() {
  const missing = servers.filter(({ command }) => !isInstalled(command));
  if (missing.length === 0) return;
  const packages = missing.map(({ debianPackage }) => debianPackage);
  if (process.getuid?.() !== 0 || !isInstalled('apt-get')) return refuse(packages);
  installPackages(packages);
  // The tests start private instances; none of these shall come up at the next boot because of them.
  const units = missing.flatMap(({ unit }) => unit ?? []);
  if (units.length > 0 && isInstalled('systemctl')) spawnSync('systemctl', ['disable', ...units]);
}

/** As root on Debian. */
export function installPackages(packages) {
  say(`installing ${packages.join(', ')} for the tests (Debian packages)`);
  withoutAutostart(() => {
    apt(['update', '-qq']);
    apt(['install', '-y', '-qq', '--no-install-recommends', ...packages]);
  });
}

function refuse(packages) {
  const remedy = `sudo apt-get install --no-install-recommends ${packages.join(' ')}`;
  const message = `the tests need programs that are not installed; run: ${remedy}`;
  if (process.env.CI === 'true') fail(message);
  say(`${message}\nmoltbot: going on; tests that use them will fail`);
}

function apt(args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status } = spawnSync('apt-get', [...aptOptions, ...args], { stdio: 'inherit', env });
  if (status !== 0) fail(`apt-get ${args[0]} failed`);
}

/** Debian starts a server as soon as it is installed, unless this policy says no. */
function withoutAutostart(install) {
  const ours = !existsSync(policyFile);
  if (ours) writeFileSync(policyFile, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    install();
  } finally {
    if (ours) rmSync(policyFile);
  }
}

/** Servers live in sbin, which is not on everybody's PATH. */
export function isInstalled(command) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
