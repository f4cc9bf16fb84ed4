import { connect as connectSocket, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { ExecResult } from '@moltbot/plugin-sdk';
import { corkByTurn, MoltError, type SshIdentity } from '@moltbot/shared';
import ssh2, { type AnyAuthMethod, type Client, type ClientChannel } from 'ssh2';
import { prepareKeys } from './prepared-keys.ts';

/** What one handshake needs. */
export interface EngineOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly identity: SshIdentity;
  /** Types of host keys to negotiate; empty means all. */
  readonly hostKeyTypes: readonly string[];
  /** Rejects with the reason when the host's key is not to be trusted. */
  readonly verifyHostKey: (key: Buffer) => Promise<void>;
  /** The link counts as lost after three of these without an answer, ms. */
  readonly keepaliveMs: number;
  /** Abort: give the handshake up. */
  readonly signal: AbortSignal;
}

/** How far a handshake came before it failed. */
export type HandshakePhase = 'socket' | 'handshake' | 'authentication';

/** A handshake that failed; `cause` is the socket's or the library's error, or there is none when the host just closed. */
export class HandshakeError extends Error {
  readonly phase: HandshakePhase;

  constructor(phase: HandshakePhase, cause: Error | undefined) {
    super(cause?.message ?? 'the host closed the connection', { cause });
    this.name = 'HandshakeError';
    this.phase = phase;
  }
}

/** The command was not sent: the host refused one more session (`refused`), or the connection had gone. */
export class NotSentError extends Error {
  readonly refused: boolean;

  constructor(refused: boolean, cause: Error) {
    super(cause.message, { cause });
    this.name = 'NotSentError';
    this.refused = refused;
  }
}

/** One command on a connection. */
export interface EngineChannel {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Gives bytes to the command; once the channel has closed they are dropped. */
  write(text: string): void;
  /** Gives the command its input and the end of it. */
  endInput(stdin?: string): void;
  /** Asks the server to signal the session's process group, which it may not do. Nothing is sent once the input has ended. */
  signal(name: 'TERM' | 'KILL'): void;
  close(): void;
  /** Closes it, and drops what it still prints: nobody reads it any more. */
  discard(): void;
  isOpen(): boolean;
  /** Resolves when the server has closed it and all output was read; undefined when no exit was told: the link broke. */
  readonly ended: Promise<ExecResult | undefined>;
}

export interface EngineConnection {
  /** @throws NotSentError when the command certainly did not start; MOLT_SSH_LOST when it may have */
  exec(command: string): Promise<EngineChannel>;
  isOpen(): boolean;
  /** Resolves when the socket has closed, with the error if there was one. */
  readonly closed: Promise<Error | undefined>;
  close(): void;
}

const ciphers = [
  'aes128-gcm@openssh.com',
  'aes256-gcm@openssh.com',
  'chacha20-poly1305@openssh.com',
  'aes128-ctr',
  'aes192-ctr',
  'aes256-ctr',
] as const;

/**
 * Opens an SSH connection.
 * @throws HandshakeError; what `verifyHostKey` rejected with; MOLT_SSH_IDENTITY; the reason of the signal
 */
export async function connect(options: EngineOptions): Promise<EngineConnection> {
  const { signal } = options;
  const methods = authMethods(options.user, options.identity);
  signal.throwIfAborted();
  const client = new ssh2.Client();
  const socket = connectSocket({ host: options.host, port: options.port, noDelay: true });
  corkByTurn(socket);
  prepareKeys(client);
  const closed = closing(client, socket);
  const abandon = (): void => void socket.destroy();
  signal.addEventListener('abort', abandon, { once: true });
  try {
    await handshake({ client, socket, options, methods, closed });
  } catch (error) {
    socket.destroy();
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', abandon);
  }
  return {
    closed,
    isOpen: () => socket.writable && socket.readable,
    exec: (command) => exec(client, command, () => socket.writable && socket.readable),
    close() {
      client.end();
      // The goodbye is written first; a host that never answers it does not hold the socket.
      socket.destroySoon();
    },
  };
}

/** Keeps the listeners an emitter of errors must have for all its life. */
function closing(client: Client, socket: Socket): Promise<Error | undefined> {
  let first: Error | undefined;
  client.on('error', (error) => {
    first ??= error;
  });
  return new Promise((resolve) => socket.once('close', () => resolve(first)));
}

function handshake(work: {
  readonly client: Client;
  readonly socket: Socket;
  readonly options: EngineOptions;
  readonly methods: AnyAuthMethod[];
  readonly closed: Promise<Error | undefined>;
}): Promise<void> {
  const { client, socket, options, methods, closed } = work;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let phase: HandshakePhase = 'socket';
  const fail = (error: Error | undefined): void => reject(new HandshakeError(phase, error));
  client
    .once('connect', () => {
      phase = 'handshake';
    })
    .once('handshake', () => {
      phase = 'authentication';
    })
    .once('ready', resolve)
    .on('error', (error: Error & { level?: string }) => {
      // An agent that cannot sign is one way in less, not the end.
      if (error.level !== 'agent') fail(error);
    });
  void closed.then(fail);
  try {
    client.connect({
      sock: socket,
      username: options.user,
      authHandler: methods,
      readyTimeout: 0,
      keepaliveInterval: options.keepaliveMs,
      keepaliveCountMax: 3,
      algorithms: algorithms(options.hostKeyTypes),
      hostVerifier: (key: Buffer, verify: (valid: boolean) => void) => {
        options.verifyHostKey(Buffer.from(key)).then(
          () => verify(true),
          (refusal) => {
            reject(refusal);
            verify(false);
          },
        );
      },
    });
  } catch (error) {
    fail(error instanceof Error ? error : new Error(String(error)));
  }
  return promise;
}

type Algorithms = NonNullable<Parameters<Client['connect']>[0]['algorithms']>;

/** An RSA key signs with SHA-2; the SHA-1 of its old name is not offered. */
function algorithms(hostKeyTypes: readonly string[]): Algorithms {
  const offered = [
    'ssh-ed25519',
    'ecdsa-sha2-nistp256',
    'ecdsa-sha2-nistp384',
    'ecdsa-sha2-nistp521',
    'rsa-sha2-512',
    'rsa-sha2-256',
  ] as const;
  const wanted = offered.filter((name) => hostKeyTypes.includes(name.startsWith('rsa') ? 'ssh-rsa' : name));
  return { cipher: [...ciphers], serverHostKey: wanted.length > 0 ? wanted : [...offered] };
}

/** The ways in, in the order they are tried. @throws MOLT_SSH_IDENTITY when the private key cannot be read or there is no way in */
function authMethods(username: string, identity: SshIdentity): AnyAuthMethod[] {
  const methods: AnyAuthMethod[] = [];
  const { privateKey, passphrase, agent, password } = identity;
  if (privateKey)
    methods.push({ type: 'publickey', username, key: parsePrivateKey(privateKey.reveal(), passphrase?.reveal()) });
  if (agent) methods.push({ type: 'agent', username, agent });
  if (password) {
    const answer = password.reveal();
    methods.push({ type: 'password', username, password: answer });
    // Servers that ask for the password by PAM offer it under this name.
    methods.push({
      type: 'keyboard-interactive',
      username,
      prompt: (_name, _instructions, _language, prompts, finish) => finish(prompts.map(() => answer)),
    });
  }
  if (methods.length === 0) throw new MoltError('MOLT_SSH_IDENTITY', 'it has no private key, agent or password');
  return methods;
}

function parsePrivateKey(text: string, passphrase: string | undefined): ReturnType<typeof checkedKey> {
  return checkedKey(ssh2.utils.parseKey(text, passphrase));
}

function checkedKey(parsed: ReturnType<typeof ssh2.utils.parseKey>): Exclude<typeof parsed, Error> {
  const wrong =
    parsed instanceof Error ? parsed.message : parsed.isPrivateKey() ? undefined : 'it is not a private key';
  if (parsed instanceof Error || wrong !== undefined)
    throw new MoltError('MOLT_SSH_IDENTITY', `the private key cannot be used: ${wrong}`);
  return parsed;
}

function exec(client: Client, command: string, isConnected: () => boolean): Promise<EngineChannel> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void =>
      reject(isNotSent(error) ? new NotSentError(isRefused(error), error) : lost(error));
    try {
      client.exec(command, (error, channel) => (error ? fail(error) : resolve(wrap(channel, isConnected))));
    } catch (error) {
      // It throws when the socket has gone, before a byte is written.
      reject(new NotSentError(false, error instanceof Error ? error : new Error(String(error))));
    }
  });
}

/** The number of CHANNEL_OPEN_FAILURE (RFC 4254 §5.1) is on the error alone then. */
const isRefused = (error: Error): boolean => 'reason' in error && typeof error.reason === 'number';

/** ssh2 sends the command when the channel is confirmed; this is what it says when the link broke before. */
const isNotSent = (error: Error): boolean => isRefused(error) || error.message === 'No response from server';

const lost = (cause: Error): MoltError =>
  new MoltError('MOLT_SSH_LOST', `the connection broke as the command was sent: ${cause.message}`, { cause });

function wrap(channel: ClientChannel, isConnected: () => boolean): EngineChannel {
  let result: ExecResult | undefined;
  let open = true;
  channel.once('close', () => {
    open = false;
  });
  channel.on('exit', (code: number | null, signal?: string) => {
    result = code === null ? { signal: (signal ?? '').replace(/^SIG/, '') } : { exitCode: code };
  });
  channel.on('error', () => {});
  const stderrEnded = new Promise<void>((resolve) => channel.stderr.once('close', resolve));
  const closed = new Promise<void>((resolve) => channel.once('close', () => resolve()));
  return {
    stdout: channel,
    stderr: channel.stderr,
    write(text) {
      if (channel.writable) channel.write(text);
    },
    endInput: (stdin) => void channel.end(stdin),
    signal: (name) => channel.signal(name),
    close: () => channel.close(),
    discard() {
      channel.close();
      for (const stream of [channel, channel.stderr]) stream.removeAllListeners('readable').resume();
    },
    isOpen: () => open && channel.writable && isConnected(),
    ended: Promise.all([closed, stderrEnded]).then(() => result),
  };
}
