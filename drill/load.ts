import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient } from '@moltbot/testkit';
import type { Random } from './random.ts';
import type { Receiver } from './receiver.ts';

/** A command that the door said yes to. */
export interface Accepted {
  readonly n: number;
  readonly taskId: string;
}

export interface LoadOptions {
  readonly api: ApiClient;
  readonly commands: number;
  readonly targets: readonly string[];
  /** The file on the targets to which command n adds the line n. */
  readonly journal: string;
  readonly receiver: Receiver;
  readonly random: Random;
  /** Between two commands, ms. */
  readonly everyMs: number;
}

/**
 * Posts numbered commands as a careful client does: under an Idempotency-Key, again and again until the answer is there.
 * Each writes its number, then works for a while.
 */
export async function post(options: LoadOptions, onAccepted: (accepted: Accepted) => void): Promise<void> {
  const posts: Promise<void>[] = [];
  for (let n = 1; n <= options.commands; n += 1) {
    posts.push(postUntilTaken(options, numbered(options, n)).then((taskId) => onAccepted({ n, taskId })));
    await delay(options.everyMs);
  }
  await Promise.all(posts);
}

interface Command {
  /** Its Idempotency-Key. */
  readonly key: string;
  readonly command: string;
  readonly on: string;
}

function numbered({ targets, journal, random }: LoadOptions, n: number): Command {
  // Most are short; one in ten lives through several faults.
  const seconds = random.between(1, 10) === 1 ? random.between(5, 20) : random.between(0, 15) / 10;
  const command = `echo ${n} >> ${journal}; sleep ${seconds}; echo done ${n}`;
  return { key: `drill-${n}`, command, on: random.pick(targets) };
}

/** Returns the id of the task. */
export async function postUntilTaken(
  { api, receiver }: Pick<LoadOptions, 'api' | 'receiver'>,
  { key, command, on }: Command,
): Promise<string> {
  const request = {
    ...{ action: 'shell.run', args: { command }, on },
    // Hosts are cut off too: what could not be sent is tried again.
    retries: 3,
    callback: { url: receiver.url, secret: receiver.secret },
  };
  for (;;) {
    const answer = await api
      .post<{ id?: string }>('/v1/tasks', request, { 'idempotency-key': key })
      .catch(() => undefined);
    if (answer?.status === 202 && answer.body.id) return answer.body.id;
    if (answer && answer.status < 500 && answer.status !== 429) {
      throw new Error(`${key} was refused with ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    await delay(500);
  }
}
