import type { Config } from './config/config.ts';
import { loadConfig } from './config/load.ts';
import { formatDuration } from './duration.ts';
import { isMoltError } from './errors.ts';
import { createLogger, type Logger } from './logger.ts';
import type { Service } from './service.ts';

export interface MainContext {
  readonly config: Config;
  readonly log: Logger;
  /** Unique to this process, for leases and connection names: `<service>-<host>-<pid>`. */
  readonly processName: string;
  /** One line for the person who started it, beside the log. */
  readonly say: (line: string) => void;
}

/**
 * The life of a process: configuration, start, signals, two-stage shutdown, exit code. The one place that owns `process`.
 * The first SIGTERM or SIGINT quiesces for `shutdown.grace`, then forces for `shutdown.force`; a second one ends it at once.
 * @param compose builds everything; does no I/O of its own
 */
export async function runMain(
  name: string,
  compose: (context: MainContext) => Service | Promise<Service>,
): Promise<void> {
  try {
    const { config, warnings } = await loadConfig({ environment: process.env, cwd: process.cwd() });
    const log = createLogger({ service: name, level: config.log.level });
    for (const warning of warnings) log.warn({}, warning);
    const processName = `${name}-${process.env['HOSTNAME'] ?? 'local'}-${process.pid}`;
    const service = await compose({ config, log, processName, say: (line) => process.stderr.write(`${line}\n`) });
    superviseSignals(service, config, log);
    process.on('unhandledRejection', (err) => {
      log.error({ err }, 'a promise failed unhandled; this is a defect, and the process ends');
      process.exitCode = 1;
      process.exit();
    });
    await service.start();
    log.info({ pid: process.pid }, 'started');
  } catch (error) {
    process.stderr.write(`${describe(error)}\n`);
    process.exit(1);
  }
}

/** A signal to the whole process group reaches a child of npm twice, at once; a person asks again later than this. */
const sameSignalMs = 1_000;

function superviseSignals(service: Service, config: Config, log: Logger): void {
  let stoppingSince: number | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stoppingSince !== undefined) {
      if (performance.now() - stoppingSince > sameSignalMs) process.exit(130);
      return;
    }
    stoppingSince = performance.now();
    log.info({ signal, grace: formatDuration(config.shutdown.graceMs) }, 'stopping');
    shutDown(service, config, log).then(
      () => process.exit(0),
      (err: unknown) => {
        log.error({ err }, 'did not stop cleanly');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

async function shutDown(service: Service, { shutdown }: Config, log: Logger): Promise<void> {
  const overdue = setTimeout(() => {
    log.error({}, 'gave up waiting for a clean stop');
    process.exit(1);
  }, shutdown.graceMs + shutdown.forceMs);
  await service.quiesce(AbortSignal.timeout(shutdown.graceMs));
  await service.stop();
  clearTimeout(overdue);
  log.info({}, 'stopped');
}

/** An error for the person at the terminal: what, where, and what to do. */
function describe(error: unknown): string {
  if (!isMoltError(error)) return error instanceof Error ? (error.stack ?? error.message) : String(error);
  const places = error.places.map(({ path, message }) => `  ${path}: ${message}`);
  return [`${error.code}: ${error.message}`, ...places, error.remedy].join('\n');
}
