import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { freePort } from './free-port.ts';
import { type ServerProcess, startProcess, untilListening } from './server-process.ts';

export interface RabbitmqOptions {
  /** Loads the management plugin, which makes the start 1 to 2 s longer. Default false. */
  readonly management?: boolean;
  /** More lines of rabbitmq.conf. */
  readonly config?: readonly string[];
}

/**
 * A private broker: its own epmd, node, cookie and data directory, on 127.0.0.1 only.
 * After declaring a quorum queue, wait 2 s before `kill`: the broker flushes the name of the queue late.
 */
export interface TestRabbitmq {
  /** The default vhost, as guest. */
  readonly url: string;
  readonly port: number;
  /** Where the HTTP API is; '' without the plugin. */
  readonly managementUrl: string;
  /** Makes a vhost; returns its url. */
  vhost(name: string): Promise<string>;
  /** Evaluates an Erlang expression (no full stop) in the broker, in about 10 ms; returns the value as Erlang prints it. */
  evaluate(expression: string): Promise<string>;
  /** rabbitmqctl: takes 0.5 to 3 s a call. */
  ctl(...args: readonly string[]): Promise<string>;
  /** kill -9; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same data, ended first if it runs. */
  restart(): Promise<void>;
  /** SIGSTOP and SIGCONT: a broker that hangs. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Ends it and deletes its data. */
  stop(): Promise<void>;
}

const nodeName = 'moltbot@localhost';
const cookie = 'moltbot-test';
const startWithinMs = 80_000;

/**
 * Where the broker of another Debian release is installed with all it needs: `MOLTBOT_TEST_BROKER=forky npm test` makes one.
 * The root holds a link of its own path to itself, so that a path below it means the same to us and to the broker.
 */
const root = process.env['MOLTBOT_TEST_BROKER_ROOT'] ?? '';

const inRoot = (command: string, ...args: readonly string[]): Pick<Command, 'command' | 'args'> =>
  root === '' ? { command, args } : { command: 'chroot', args: [root, command, ...args] };

interface Ports {
  readonly amqp: number;
  readonly distribution: number;
  readonly epmd: number;
  readonly management: number;
}

/**
 * Starts a broker and resolves when it takes connections: 5 to 20 s.
 * @throws when RabbitMQ is not installed, or with the broker's log when it does not come up
 */
export async function startRabbitmq(options: RabbitmqOptions = {}): Promise<TestRabbitmq> {
  // A port that was free a moment ago may be another's by now: a broker that does not come up gets others.
  for (let triesLeft = 2; ; triesLeft -= 1) {
    try {
      return await startOnce(options);
    } catch (error) {
      if (triesLeft === 0) throw error;
    }
  }
}

async function startOnce(options: RabbitmqOptions): Promise<TestRabbitmq> {
  await mkdir(join(root, tmpdir()), { recursive: true });
  const directory = await mkdtemp(join(root, tmpdir(), 'moltbot-rabbitmq-'));
  const ports = {
    amqp: await freePort(),
    distribution: await freePort(),
    epmd: await freePort(),
    management: await freePort(),
  };
  const env = await prepare(directory, ports, options);
  const epmd = startProcess({
    ...inRoot('epmd', '-port', String(ports.epmd)),
    env: { ...process.env, ERL_EPMD_ADDRESS: '127.0.0.1' },
    logFile: join(directory, 'epmd.log'),
  });
  const stopEpmd = async (error: unknown): Promise<never> => {
    await epmd.kill('SIGKILL');
    throw error;
  };
  await untilListening(epmd, ports.epmd).catch(stopEpmd);
  let broker = await startBroker(directory, env, ports).catch(stopEpmd);
  const home = serverHome();
  const evaluate = async (expression: string): Promise<string> => {
    const call = inRoot('erl_call', '-sname', nodeName, '-c', cookie, '-e');
    const answer = await run({ ...call, env }, `${expression}.\n`);
    const value = /^\{ok, (.*)\}$/s.exec(answer.trim())?.[1];
    if (value === undefined) throw new Error(`${expression}: ${answer}`);
    return value;
  };

  return {
    url: urlOf(ports),
    port: ports.amqp,
    managementUrl: options.management ? `http://guest:guest@127.0.0.1:${ports.management}` : '',
    evaluate,
    vhost: async (name) => {
      await evaluate(makeVhost(name));
      return `${urlOf(ports)}/${encodeURIComponent(name)}`;
    },
    ctl: (...args) => run({ ...inRoot(join(home, 'sbin/rabbitmqctl'), '-n', nodeName, ...args), env }),
    kill: () => broker.kill('SIGKILL'),
    restart: async () => {
      await broker.kill('SIGKILL');
      broker = await startBroker(directory, env, ports);
    },
    pause: () => broker.kill('SIGSTOP'),
    resume: () => broker.kill('SIGCONT'),
    stop: async () => {
      await broker.kill('SIGKILL');
      await epmd.kill('SIGKILL');
      await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

const urlOf = (ports: Ports): string => `amqp://guest:guest@127.0.0.1:${ports.amqp}`;

const makeVhost = (name: string): string =>
  `rabbit_vhost:add(<<"${name}">>, <<"test">>), ` +
  `rabbit_auth_backend_internal:set_permissions(<<"guest">>, <<"${name}">>, <<".*">>, <<".*">>, <<".*">>, <<"test">>)`;

/** The installed version's own scripts: the wrapper in /usr/sbin changes user and directory, and hides the pid. */
function serverHome(): string {
  const [home] = globSync(join(root, '/usr/lib/rabbitmq/lib/rabbitmq_server-*')).toSorted().toReversed();
  if (home === undefined) throw new Error('RabbitMQ is not installed: apt-get install rabbitmq-server');
  return home;
}

async function startBroker(directory: string, env: NodeJS.ProcessEnv, ports: Ports): Promise<ServerProcess> {
  const broker = startProcess({
    ...inRoot(join(serverHome(), 'sbin/rabbitmq-server')),
    env,
    cwd: directory,
    logFile: join(directory, 'broker.log'),
  });
  await untilListening(broker, ports.amqp, startWithinMs);
  return broker;
}

async function prepare(directory: string, ports: Ports, options: RabbitmqOptions): Promise<NodeJS.ProcessEnv> {
  const path = (name: string): string => join(directory, name);
  for (const name of ['home', 'data', 'log', 'generated', 'plugins', 'modules']) await mkdir(path(name));
  await Promise.all([linkAll(pluginsFor(options), path('plugins')), linkAll(modules(), path('modules'))]);
  await writeFile(path('home/.erlang.cookie'), cookie);
  await chmod(path('home/.erlang.cookie'), 0o400);
  await writeFile(path('enabled_plugins'), options.management ? '[rabbitmq_management].' : '[].');
  await writeFile(path('rabbitmq.conf'), [...configLines(ports, options), ''].join('\n'));
  return {
    PATH: process.env['PATH'],
    LANG: 'C.UTF-8',
    HOME: path('home'),
    RABBITMQ_NODENAME: nodeName,
    RABBITMQ_DIST_PORT: String(ports.distribution),
    ERL_EPMD_PORT: String(ports.epmd),
    RABBITMQ_MNESIA_BASE: path('data'),
    RABBITMQ_LOG_BASE: path('log'),
    RABBITMQ_PID_FILE: path('broker.pid'),
    RABBITMQ_ENABLED_PLUGINS_FILE: path('enabled_plugins'),
    RABBITMQ_PLUGINS_DIR: path('plugins'),
    RABBITMQ_SERVER_CODE_PATH: path('modules'),
    RABBITMQ_CONFIG_FILE: path('rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: path('advanced.config'),
    RABBITMQ_GENERATED_CONFIG_DIR: path('generated'),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1} +S 1:1',
    // Makes the script exec the Erlang VM, so that the pid we hold is the broker's own.
    detached: '1',
  };
}

/** What the broker looks through at its start. It reads every plugin there is otherwise, for 3 s of CPU. */
const pluginsFor = ({ management }: RabbitmqOptions): readonly string[] =>
  globSync(join(serverHome(), 'plugins', management ? '*' : 'rabbit-*'));

/** In one directory, and first on the path, each is found at once: Erlang tries one directory of 90 after the other. */
const modules = (): readonly string[] =>
  globSync([join(serverHome(), 'plugins/*/ebin/*.beam'), join(root, '/usr/lib/erlang/lib/*/ebin/*.beam')]);

async function linkAll(files: readonly string[], directory: string): Promise<void> {
  await Promise.all(files.map((file) => symlink(file, join(directory, basename(file)))));
}

const configLines = (ports: Ports, options: RabbitmqOptions): readonly string[] => [
  `listeners.tcp.1 = 127.0.0.1:${ports.amqp}`,
  ...(options.management ? ['management.tcp.ip = 127.0.0.1', `management.tcp.port = ${ports.management}`] : []),
  'vm_memory_high_watermark.absolute = 512MB',
  'disk_free_limit.absolute = 64MB',
  'log.console = false',
  'log.file = broker-node.log',
  ...(options.config ?? []),
];

interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

async function run({ command, args, env }: Command, input = ''): Promise<string> {
  const child = spawn(command, [...args], { env, stdio: 'pipe' });
  child.stdin.end(input);
  const code = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  const [out, err, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), code]);
  if (exitCode !== 0) throw new Error(`${command} ended with ${exitCode}: ${err}${out}`);
  return out;
}
