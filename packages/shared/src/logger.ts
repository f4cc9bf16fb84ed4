import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** A log line is a message for people and an object for machines; ids are bound once and handed down by `child`. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Logger;
}

const secretPaths = ['authorization', 'password', 'passphrase', 'privateKey', 'secret', 'token', 'appSecret', 'apiKey'];

/**
 * One JSON line a record, on stdout unless `destination` says otherwise. `err` fields are unfolded with their code and cause.
 * Fields named like a secret are redacted two levels deep; `Secret` values redact themselves anywhere.
 */
export function createLogger(options: {
  readonly service: string;
  readonly level?: LogLevel;
  readonly destination?: DestinationStream;
}): Logger {
  const { service, level = 'info', destination } = options;
  const settings = {
    level,
    base: { service },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: {
      paths: secretPaths.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
      censor: '[redacted]',
    },
  };
  const logger: PinoLogger = destination ? pino(settings, destination) : pino(settings);
  return logger;
}

/** As `child`, which writes the fields out at once: for a logger that may never write a line. */
export function withFields(log: Logger, bound: object): Logger {
  const write =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (fields: object, message: string): void =>
      log[level]({ ...bound, ...fields }, message);
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => log.child({ ...bound, ...fields }),
  };
}

/** A logger that writes nothing. */
export const silentLogger: Logger = createLogger({ service: 'silent', level: 'silent' });
