import type { OutputStream, Transport, TransportResult, TransportRun } from '@moltbot/plugin-sdk';
import { MoltError } from '@moltbot/shared';
import { eventually } from '@moltbot/testkit';
import { createFakeTarget, type FakeRecord, type FakeTarget } from './fake-target.ts';

/** A command on a target that the test moves on by hand. */
export interface FakeCommand {
  readonly run: TransportRun;
  /** The connection is there: the start is recorded, and the command is sent. */
  connect(): void;
  refuse(error: MoltError): void;
  print(text: string, stream?: OutputStream): Promise<void>;
  end(result: TransportResult): void;
  /** The link breaks; a plain command is out of sight for ever. */
  breakLink(): void;
  /** The executor let go of it. */
  released(): boolean;
}

export interface FakeTransport extends Transport {
  /** Waits until a command is asked for, and gives the newest of that text. */
  command(text: string): Promise<FakeCommand>;
  /** Times a command of that text was sent; of a guarded one, times it was started. */
  sent(text: string): number;
  /** Times a command of that text was asked for. */
  asked(text: string): number;
  /** No link holds, and none can be made, until `mend`. */
  cut(): void;
  mend(): void;
  /** What the host keeps of guarded commands. */
  readonly target: FakeTarget;
}

export interface FakeTransportOptions {
  readonly isReady?: () => boolean;
  /** Called with each command that is asked for: moves it on without the test. */
  readonly onCommand?: (command: FakeCommand) => void;
  /** Called when a guarded command begins to run. */
  readonly onLaunch?: (text: string, record: FakeRecord) => void;
}

const lost = (): MoltError => new MoltError('MOLT_SSH_LOST', 'the link broke');
const unreachable = (): MoltError => new MoltError('MOLT_SSH_UNREACHABLE', 'no route');

/** Counts what reaches the target; connects and ends when it is told. Several executors may share one, as they do a host. */
export function createFakeTransport(options: FakeTransportOptions = {}): FakeTransport {
  const { isReady = () => false, onCommand } = options;
  const commands = new Map<string, FakeCommand>();
  const sent = new Map<string, number>();
  const asked = new Map<string, number>();
  const links = new Set<FakeCommand>();
  let isCut = false;
  const count = (counts: Map<string, number>, text: string): void => void counts.set(text, (counts.get(text) ?? 0) + 1);
  const target = createFakeTarget({
    onLaunch(text, record) {
      count(sent, text);
      options.onLaunch?.(text, record);
    },
  });

  const exec = async (run: TransportRun): Promise<TransportResult> => {
    const { guard, signal } = run;
    const text = run.spec.command;
    const connected = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<TransportResult>();
    const released = Promise.withResolvers<never>();
    const link = new AbortController();
    connected.promise.catch(() => {});
    released.promise.catch(() => {});
    ended.promise.catch(() => {});
    const record = (): FakeRecord | undefined => guard && target.record(guard.id);
    const command: FakeCommand = {
      run,
      connect: connected.resolve,
      refuse: connected.reject,
      async print(output, stream = 'stdout') {
        if (guard) record()?.print(output, stream);
        else await run.onOutput(stream, Buffer.from(output));
      },
      end: (result) => (guard ? record()?.end(result) : ended.resolve(result)),
      breakLink() {
        link.abort(lost());
        ended.reject(lost());
      },
      released: () => run.release?.aborted ?? false,
    };
    const letGo = (): void => released.reject(new MoltError('MOLT_SHUTTING_DOWN', 'let go'));
    run.release?.addEventListener('abort', letGo, { once: true });
    if (run.release?.aborted) letGo();
    // What may run must be ended even when we are told at once; what was never sent needs no connection for that.
    const mayRun = guard !== undefined && guard.mode !== 'start';
    if (!mayRun) signal.addEventListener('abort', () => connected.reject(signal.reason), { once: true });
    if (!mayRun) signal.throwIfAborted();
    commands.set(text, command);
    count(asked, text);
    onCommand?.(command);
    links.add(command);
    try {
      if (isCut) throw unreachable();
      await Promise.race([connected.promise, released.promise]);
      if (isCut) throw unreachable();
      await run.onStart();
      if (guard) return await Promise.race([target.arrive(run, guard, link.signal), released.promise]);
      count(sent, text);
      signal.addEventListener('abort', () => ended.resolve({ killed: 'verified' }), { once: true });
      if (signal.aborted) return { killed: 'verified' };
      return await Promise.race([ended.promise, released.promise]);
    } finally {
      links.delete(command);
    }
  };
  return {
    ...{ name: 'fake-transport', transport: 'local', isReady, exec, target },
    ...{ start: async () => {}, quiesce: async () => {}, stop: async () => {}, health: () => ({ ok: true }) },
    forget: (_host, guard) => target.forget(guard),
    command: (text) => eventually(`the command "${text}"`, () => commands.get(text)),
    sent: (text) => sent.get(text) ?? 0,
    asked: (text) => asked.get(text) ?? 0,
    cut() {
      isCut = true;
      for (const command of links) command.breakLink();
    },
    mend() {
      isCut = false;
    },
  };
}
