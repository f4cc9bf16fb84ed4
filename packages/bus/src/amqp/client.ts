import { Duplex } from 'node:stream';
import { type Secret, withDeadline } from '@moltbot/shared';
import { type Channel, type ChannelModel, type ConfirmChannel, connect } from 'amqplib';
import type { Session } from './keep-open.ts';

export type { Channel, ConfirmChannel, ConsumeMessage } from 'amqplib';

/** An open connection. `closed` tells why it ended. */
export interface Connection extends Session {
  openChannel(): Promise<OpenChannel<Channel>>;
  openConfirmChannel(): Promise<OpenChannel<ConfirmChannel>>;
  /** What the broker said when it stopped reading from us; undefined while it reads. */
  blocked(): string | undefined;
}

/** An open channel. Calls on `raw` throw at once when it is not open any more. */
export interface OpenChannel<C extends Channel> extends Session {
  readonly raw: C;
  isOpen(): boolean;
}

export interface ConnectOptions {
  readonly url: Secret;
  /** Shown by the broker's tools. */
  readonly name: string;
  /** Called on each change of `blocked`. */
  readonly onBlocked: () => void;
}

const handshakeMs = 10_000;
const closeMs = 2_000;

/** Connects once. @throws whatever the socket or the broker said. */
export async function openConnection({ url, name, onBlocked }: ConnectOptions): Promise<Connection> {
  const model = await connect(url.reveal(), {
    // Nagle's algorithm costs 40 ms a message at low rates.
    noDelay: true,
    keepAlive: true,
    keepAliveDelay: 10_000,
    timeout: handshakeMs,
    clientProperties: { connection_name: name },
  });
  let blocked: string | undefined;
  const setBlocked = (reason?: string): void => {
    blocked = reason;
    onBlocked();
  };
  model.on('blocked', setBlocked).on('unblocked', setBlocked);
  return {
    closed: whenClosed(model),
    close: () => closeConnection(model),
    blocked: () => blocked,
    openChannel: async () => openedChannel(await model.createChannel()),
    openConfirmChannel: async () => openedChannel(await model.createConfirmChannel()),
  };
}

/** Whether an error of a declaration means: it exists, with other arguments. */
export const isPreconditionFailed = (err: unknown): boolean => replyCode(err) === 406;

/** Whether an error of a passive declaration means: it does not exist. */
export const isNotFound = (err: unknown): boolean => replyCode(err) === 404;

/** Whether an error that a confirm callback was given means: the broker refused the message. */
export const isNack = (err: unknown): boolean => err instanceof Error && err.message === 'message nacked';

const replyCode = (err: unknown): unknown =>
  typeof err === 'object' && err !== null && 'code' in err ? err.code : undefined;

function openedChannel<C extends Channel>(raw: C): OpenChannel<C> {
  let open = true;
  let closing: Promise<unknown> = Promise.resolve();
  let reason = 'the channel was closed';
  raw.on('error', (err) => {
    reason = err.message;
  });
  // Without this listener, an exception in a callback of ours would close the channel or the connection.
  raw.on('handler-error', (err) => {
    reason = err.message;
  });
  const closed = new Promise<string>((resolve) => {
    // First of all listeners, as the library's own fails the confirms that are missing: they must find it closed.
    raw.prependListener('close', () => {
      open = false;
      resolve(reason);
    });
  });
  return {
    raw,
    closed,
    isOpen: () => open,
    close: () => {
      if (open) closing = endsInTime(() => raw.close());
      open = false;
      return closing;
    },
  };
}

function whenClosed(model: ChannelModel): Promise<string> {
  let reason = 'the connection was closed';
  model.on('error', (err) => {
    reason = err.message;
  });
  return new Promise((resolve) => {
    model.on('close', (err) => {
      resolve(err?.message ?? reason);
      // A peer that is gone never acknowledges the end of the stream: the socket would stay for minutes.
      setTimeout(() => destroySocket(model), closeMs).unref();
    });
  });
}

async function closeConnection(model: ChannelModel): Promise<void> {
  if (!(await endsInTime(() => model.close()))) destroySocket(model);
}

/** Whether a goodbye was answered within 2 s. A peer that hangs answers none, until the heartbeat finds out. */
export async function endsInTime(goodbye: () => Promise<unknown>): Promise<boolean> {
  try {
    await withDeadline({ ms: closeMs, what: 'closing' }, goodbye);
    return true;
  } catch {
    return false;
  }
}

function destroySocket({ connection }: ChannelModel): void {
  if (!('stream' in connection && connection.stream instanceof Duplex)) return;
  if (!connection.stream.destroyed) connection.stream.destroy(new Error('the peer did not answer the close'));
}
