import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newApiKey } from '@moltbot/shared';
import {
  type Installation,
  startDistributed,
  startEmbedded,
  startSshd,
  startTcpProxy,
  type TcpProxy,
  type TestSshd,
} from '@moltbot/testkit';
import { createTraces, postAndCancel } from './cancels.ts';
import { faultsOf, hurt } from './faults.ts';
import { countOf, flagsOf, wordOf } from './flags.ts';
import { type Accepted, post } from './load.ts';
import { createRandom } from './random.ts';
import { type Receiver, startReceiver } from './receiver.ts';
import { type Finding, judge, untilAllEnded } from './verdict.ts';

const flags = flagsOf({
  mode: { type: 'string', default: 'distributed' },
  seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  commands: { type: 'string', default: '2000' },
  cancels: { type: 'string', default: '200' },
  faults: { type: 'string', default: '200' },
  keep: { type: 'boolean', default: false },
});
const mode = wordOf('mode', flags.mode, ['distributed', 'embedded']);
const seed = countOf('seed', flags.seed);
const commands = countOf('commands', flags.commands);
const cancels = countOf('cancels', flags.cancels);
const faults = countOf('faults', flags.faults);
const lanes = 3;
/** What a fault takes on average, with the pause after it, in one lane. */
const faultMs = 7_000;
const endsWithinMs = 15 * 60_000;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

interface Lab {
  readonly directory: string;
  readonly journal: string;
  /** The same for those that are cancelled. */
  readonly cancelledJournal: string;
  readonly sshds: readonly TestSshd[];
  readonly sshLinks: readonly TcpProxy[];
  readonly receiver: Receiver;
  readonly moltbot: Installation;
  stop(): Promise<void>;
}

async function startLab(): Promise<Lab> {
  const directory = mkdtempSync(join(tmpdir(), 'moltbot-drill-'));
  const [journal, cancelledJournal] = [join(directory, 'journal'), join(directory, 'cancelled')];
  chmodSync(directory, 0o755);
  for (const file of [journal, cancelledJournal]) {
    writeFileSync(file, '');
    chmodSync(file, 0o666);
  }
  const sshds = await Promise.all([startSshd(), startSshd(), startSshd()]);
  const sshLinks = await Promise.all(sshds.map(({ port }) => startTcpProxy(port)));
  const callbackFaults = createRandom(seed + 1);
  const receiver = await startReceiver(() => callbackFaults.between(1, 20) === 1);
  // A key of the configuration, as a first key would be gone with an emptied store.
  const key = newApiKey('default');
  const config = configOf({ directory, sshds, sshLinks, key });
  const moltbot =
    mode === 'embedded'
      ? await startEmbedded({ config, apiKey: key.text })
      : await startDistributed({
          ...{ config, apiKey: key.text, executors: 3, linked: true },
          redisArgs: ['--appendfsync', 'always'],
        });
  return {
    ...{ directory, journal, cancelledJournal, sshds, sshLinks, receiver, moltbot },
    async stop() {
      await moltbot.stop();
      await Promise.all([...sshLinks, ...sshds, receiver].map((part) => part.stop()));
      if (!flags.keep) rmSync(directory, { recursive: true, force: true });
    },
  };
}

function configOf({
  directory,
  sshds,
  sshLinks,
  key,
}: Pick<Lab, 'directory' | 'sshds' | 'sshLinks'> & { readonly key: ReturnType<typeof newApiKey> }): Record<
  string,
  unknown
> {
  const knownHosts = join(directory, 'known_hosts');
  const lines = sshds.map(({ knownHostsLine, port }, index) =>
    knownHostsLine.replace(`:${port}`, `:${sshLinks[index]?.port}`),
  );
  writeFileSync(knownHosts, lines.map((line) => `${line}\n`).join(''));
  return {
    ssh: {
      knownHosts,
      identities: Object.fromEntries(sshds.map(({ port, privateKey }) => [`key-${port}`, { privateKey }])),
    },
    targets: sshds.map(({ host, user, port }, index) => ({
      ...{
        name: `host-${index + 1}`,
        transport: 'ssh',
        host,
        port: sshLinks[index]?.port,
        user,
        identity: `key-${port}`,
      },
    })),
    tenants: { default: { apiKeys: [{ id: key.id, hash: key.hash }] } },
    callbacks: { allow: ['127.0.0.1'] },
    limits: { requests: { perSecond: 5_000, burst: 5_000 } },
    executor: { slots: 32 },
  };
}

function report(findings: readonly Finding[], tally: ReadonlyMap<string, number>, minutes: number): string {
  const done = [...tally].sort().map(([name, times]) => `${times} × ${name}`);
  return [
    `mode ${mode}, seed ${seed}: ${commands} guarded commands and ${cancels} that are cancelled, ${faults} faults in ${minutes.toFixed(1)} minutes`,
    `faults: ${done.join(', ')}`,
    '',
    '| promise | kept | what was found |',
    '|---|---|---|',
    ...findings.map(({ promise, kept, found }) => `| ${promise} | ${kept ? 'yes' : '**no**'} | ${found} |`),
    '',
  ].join('\n');
}

async function drill(lab: Lab): Promise<boolean> {
  const random = createRandom(seed);
  const accepted: Accepted[] = [];
  const begin = performance.now();
  const forMs = (faults * faultMs) / lanes;
  const { moltbot, receiver, journal, cancelledJournal, sshds, sshLinks } = lab;
  const load = { api: moltbot.api, receiver, targets: sshds.map((_, index) => `host-${index + 1}`) };
  const posting = post(
    { ...load, commands, journal, random: createRandom(seed + 2), everyMs: forMs / commands },
    (command) => void accepted.push(command),
  );
  const traces = createTraces(cancelledJournal);
  const cancelling = postAndCancel(
    {
      ...{ ...load, commands: cancels, journal: cancelledJournal },
      ...{ random: createRandom(seed + 3), everyMs: forMs / Math.max(1, cancels) },
    },
    traces,
  );
  const onFault = (done: number, name: string): void =>
    say(
      `${((performance.now() - begin) / 1_000).toFixed(0).padStart(5)} s  ${done}/${faults} ${name} (${accepted.length} accepted, ${receiver.delivered().size} answered)`,
    );
  const tally = await hurt(faultsOf({ moltbot, sshds, sshLinks }), { count: faults, lanes, random, onFault });
  say('all faults done; waiting for the ends');
  await posting;
  const cancelled = await cancelling;
  const onWait = (open: number): void => say(`  ${open} open`);
  const waiting = { api: moltbot.api, receiver, withinMs: endsWithinMs, onWait };
  const states = await untilAllEnded([...accepted, ...cancelled], waiting);
  const lines = readFileSync(journal, 'utf8').split('\n').filter(Boolean);
  const findings = judge({
    ...{ accepted, lines, receiver, states },
    ...{ cancelled, begun: traces.begun(), processes: traces.processes() },
  });
  for (const pid of traces.processes()) process.kill(pid, 'SIGKILL');
  process.stdout.write(report(findings, tally, (performance.now() - begin) / 60_000));
  return findings.every(({ kept }) => kept);
}

const lab = await startLab();
try {
  process.exitCode = (await drill(lab)) ? 0 : 1;
} finally {
  await lab.stop();
}
