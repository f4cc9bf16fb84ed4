// Makes a clone ready to run: plain JavaScript on built-in modules, because nothing is installed yet and the
// machine's own Node may be older than the one the sources need.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const stampFile = join(root, 'node_modules/.moltbot-lock');

/** The pinned Node, a development dependency: the same one on every machine. */
const pinnedNode = join(root, 'node_modules/.bin/node');

/** Installs the pinned dependencies when they are missing or older than the lockfile; says each step. Exits on failure. */
export function bootstrap() {
  const stamp = lockStamp();
  if (existsSync(pinnedNode) && readIfThere(stampFile) === stamp) return;
  const pnpm = `pnpm@${pnpmVersion()}`;
  say(`installing the pinned dependencies with ${pnpm} (once, and after each change of the lockfile)`);
  const args = ['-y', pnpm, 'install', '--frozen-lockfile', '--config.confirm-modules-purge=false'];
  const { status, error } = spawnSync('npx', args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) fail(`the installation failed${error ? `: ${error.message}` : ''}; its last lines say why`);
  if (!existsSync(pinnedNode)) fail('the installation brought no Node; delete node_modules and try again');
  writeFileSync(stampFile, stamp);
  say('installed');
}

/**
 * Runs the pinned Node in the foreground: signals are handed on, its exit code is ours.
 * @returns its exit code, or 128 + the signal that ended it
 */
export function runPinnedNode(args) {
  const path = `${join(root, 'node_modules/.bin')}${delimiter}${process.env.PATH ?? ''}`;
  // What was compiled once is a third of what the next start costs.
  const cache = { NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/moltbot-node') };
  const env = { ...cache, ...process.env, PATH: path };
  const child = spawn(pinnedNode, args, { cwd: root, stdio: 'inherit', env });
  const stopForwarding = forwardSignals(child);
  return new Promise((resolve) => {
    child.once('error', (error) => fail(`${pinnedNode} cannot be run: ${error.message}`));
    child.once('exit', (code, signal) => {
      stopForwarding();
      resolve(code ?? 128 + constants.signals[signal]);
    });
  });
}

export function say(message) {
  process.stderr.write(`moltbot: ${message}\n`);
}

export function fail(message) {
  say(message);
  process.exit(1);
}

/** A terminal sends its Ctrl-C to the child as well, and npm hands on what reached us already: neither counts twice. */
function forwardSignals(child) {
  const signals = process.stdin.isTTY ? ['SIGTERM', 'SIGHUP'] : ['SIGTERM', 'SIGHUP', 'SIGINT'];
  let lastAt = Number.NEGATIVE_INFINITY;
  const forward = (signal) => {
    if (performance.now() - lastAt < 500) return;
    lastAt = performance.now();
    child.kill(signal);
  };
  const stay = () => {};
  for (const signal of signals) process.on(signal, forward);
  process.on('SIGINT', stay);
  return () => {
    for (const signal of signals) process.off(signal, forward);
    process.off('SIGINT', stay);
  };
}

function lockStamp() {
  const hash = createHash('sha256');
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml']) hash.update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

function pnpmVersion() {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const version = /^pnpm@([^+]+)/.exec(packageManager)?.[1];
  return version ?? fail('package.json names no pnpm in packageManager');
}

function readIfThere(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) bootstrap();
