import type { Transport, TransportResult, TransportRun } from '@moltbot/plugin-sdk';
import { MoltError } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';

/** A command on a target that the test moves on by hand. */
export interface FakeCommand {
  readonly run: TransportRun;
  /** The connection is there: the start is recorded, and the command is sent. */
  connect(): void;
  refuse(error: MoltError): void;
  print(text: string): Promise<void>;
  end(result: TransportResult): void;
  /** The executor let go of it. */
  released(): boolean;
}

export interface FakeTransport extends Transport {
  /** Waits until a command is asked for, and gives the newest of that text. */
  command(text: string): Promise<FakeCommand>;
  /** Times a command of that text was sent. */
  sent(text: string): number;
}

export interface FakeTransportOptions {
  readonly isReady?: () => boolean;
  /** Called with each command that is asked for: moves it on without the test. */
  readonly onCommand?: (command: FakeCommand) => void;
}

/** Counts what reaches the target; connects and ends when it is told. Several executors may share one, as they do a host. */
export function createFakeTransport({ isReady = () => false, onCommand }: FakeTransportOptions = {}): FakeTransport {
  const asked = new Map<string, FakeCommand>();
  const sent = new Map<string, number>();

  const exec = async (run: TransportRun): Promise<TransportResult> => {
    const text = run.spec.command;
    const connected = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<TransportResult>();
    const released = Promise.withResolvers<never>();
    released.promise.catch(() => {});
    const command: FakeCommand = {
      run,
      connect: connected.resolve,
      refuse: connected.reject,
      print: (output) => run.onOutput('stdout', Buffer.from(output)),
      end: ended.resolve,
      released: () => run.release?.aborted ?? false,
    };
    const letGo = (): void => released.reject(new MoltError('MOLT_SHUTTING_DOWN', 'let go'));
    run.release?.addEventListener('abort', letGo, { once: true });
    if (run.release?.aborted) letGo();
    run.signal.addEventListener('abort', () => connected.reject(run.signal.reason), { once: true });
    run.signal.throwIfAborted();
    asked.set(text, command);
    onCommand?.(command);
    await Promise.race([connected.promise, released.promise]);
    await run.onStart();
    sent.set(text, (sent.get(text) ?? 0) + 1);
    run.signal.addEventListener('abort', () => ended.resolve({ killed: 'verified' }), { once: true });
    if (run.signal.aborted) return { killed: 'verified' };
    return Promise.race([ended.promise, released.promise]);
  };
  return {
    ...{ name: 'fake-transport', transport: 'local', isReady, exec },
    ...{ start: async () => {}, quiesce: async () => {}, stop: async () => {}, health: () => ({ ok: true }) },
    command: (text) => eventually(`the command "${text}"`, () => asked.get(text)),
    sent: (text) => sent.get(text) ?? 0,
  };
}
