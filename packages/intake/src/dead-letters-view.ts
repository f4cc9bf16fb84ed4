import { parseQueue, type QueueRef } from '@moltbot/bus';
import { decodeEnvelope, type Envelope, isKind, type MessageKind, type RunOrder, type Task } from '@moltbot/shared';
import type { DeadLetter } from '@moltbot/store';

/** A dead letter in a list. */
export interface LetterSummary {
  readonly id: string;
  /** Epoch ms. */
  readonly diedAt: number;
  readonly reason: string;
  /** `runs/<pool>/<tenant>/<priority>` or `replies/<platform>`, where it can be told. */
  readonly queue?: string | undefined;
  /** Absent when it cannot be decoded. */
  readonly kind?: MessageKind | undefined;
  readonly taskId?: string | undefined;
  readonly runId?: string | undefined;
  /** Times it was published again by itself before. */
  readonly resubmitted: number;
  /** Length of the message in bytes. */
  readonly size: number;
}

export interface Letter extends LetterSummary {
  /** Without secrets. */
  readonly message?: Readonly<Record<string, unknown>> | undefined;
  /** Only of what cannot be decoded: base64 of its first 64 KiB, secrets blotted out. */
  readonly bytes?: string | undefined;
}

/**
 * The reason of a letter whose message was published again by itself. It is the keeper's memory and nothing died: not shown.
 * It is of use as long as no worker claimed the run, and goes with its task's retention.
 */
export const resubmittedReason = 'published again';

const shownBytes = 64 * 1_024;

/** The message, decoded anew: a version that could not be read when it died may be known by now. */
export function messageOf({ bytes, tenant }: DeadLetter): Envelope | undefined {
  try {
    const message = decodeEnvelope(bytes);
    return message.tenant === tenant ? message : undefined;
  } catch {
    return undefined;
  }
}

/** The run that a message stands for; undefined for other kinds, and for one that speaks of another tenant's. */
export function orderOf(message: Envelope): RunOrder | undefined {
  if (!isKind(message, 'run') && !isKind(message, 'watch')) return undefined;
  return message.body.task.principal.tenant === message.tenant ? message.body : undefined;
}

export const queueOfLetter = ({ queue }: DeadLetter): QueueRef | undefined =>
  queue === undefined ? undefined : parseQueue(queue);

export function toLetterSummary(letter: DeadLetter): LetterSummary {
  const { id, diedAt, reason, queue, resubmitted, bytes } = letter;
  const message = messageOf(letter);
  return {
    ...{ id, diedAt, reason, resubmitted, size: bytes.length },
    ...(queue !== undefined && { queue }),
    ...(message && { kind: message.kind, ...namesOf(message) }),
  };
}

export function toLetter(letter: DeadLetter): Letter {
  const message = messageOf(letter);
  const body = message ? { message: withoutSecrets(message) } : { bytes: blotted(letter.bytes).toString('base64') };
  return { ...toLetterSummary(letter), ...body };
}

/** The task and the run that a message is about. */
export function namesOf(message: Envelope): Pick<LetterSummary, 'taskId' | 'runId'> {
  if (isKind(message, 'run') || isKind(message, 'watch'))
    return { taskId: message.body.task.id, runId: message.body.runId };
  if (isKind(message, 'reply')) return { taskId: message.body.task.id };
  return isKind(message, 'cancel') ? { taskId: message.body.taskId } : {};
}

function withoutSecrets(message: Envelope): Readonly<Record<string, unknown>> {
  const { body } = message;
  return { ...message, body: 'task' in body ? { ...body, task: withoutCallbackSecret(body.task) } : body };
}

function withoutCallbackSecret(task: Task): Readonly<Record<string, unknown>> {
  const { callback, ...origin } = task.origin;
  return { ...task, origin: { ...origin, ...(callback && { callback: { url: callback.url } }) } };
}

/** What it is cannot be told, but how a secret begins can. */
const blotted = (bytes: Buffer): Buffer =>
  Buffer.from(
    bytes
      .toString('latin1')
      .replaceAll(/whsec_[A-Za-z0-9+/=\\]*/g, 'whsec_[redacted]')
      .slice(0, shownBytes),
    'latin1',
  );
