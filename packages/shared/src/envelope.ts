import { z } from 'zod';
import { MoltError } from './errors.ts';
import { newId } from './ids.ts';
import { TenantId } from './principal.ts';
import { Reply, replyIdOf } from './reply.ts';
import { RunOrder } from './run.ts';
import type { TaskRecord } from './task.ts';

export const envelopeVersion = 1;

/** What each kind of message carries. */
export interface MessageBodies {
  /** Runs on an executor of the pool whose queue it is in. */
  run: RunOrder;
  /** Stands for a run that is with a worker: whoever meets it when that worker's lease is over takes the run over. */
  watch: RunOrder;
  /** The end of a task, for its origin. */
  reply: Reply;
  /** To every executor: stop what runs of this task. */
  cancel: { readonly taskId: string };
}

export type MessageKind = keyof MessageBodies;

/** A message that crosses a process border. `id` is the same when the same message is published again. */
export interface Envelope<K extends MessageKind = MessageKind> {
  readonly v: typeof envelopeVersion;
  readonly id: string;
  readonly kind: K;
  readonly tenant: string;
  /** Epoch ms of the first publication. */
  readonly at: number;
  readonly trace: string;
  readonly body: MessageBodies[K];
}

const bodies: { readonly [K in MessageKind]: z.ZodType<MessageBodies[K]> } = {
  run: RunOrder,
  watch: RunOrder,
  reply: Reply,
  cancel: z.strictObject({ taskId: z.uuid() }),
};

const head = z.object({
  v: z.literal(envelopeVersion),
  id: z.string().min(1),
  kind: z.enum(Object.keys(bodies) as [MessageKind, ...MessageKind[]]),
  tenant: TenantId,
  at: z.int(),
  trace: z.string(),
  body: z.unknown(),
});

/** Builds a message; `id` defaults to a new one, `at` to now. */
export function envelope<K extends MessageKind>(
  kind: K,
  fields: {
    readonly tenant: string;
    readonly trace: string;
    readonly body: MessageBodies[K];
    readonly id?: string;
    readonly at?: number;
  },
): Envelope<K> {
  const { tenant, trace, body, id = newId(), at = Date.now() } = fields;
  return { v: envelopeVersion, id, kind, tenant, at, trace, body };
}

/** The message that stands for a run from now on: same id, same time of first publication. */
export const watchOf = ({ id, tenant, trace, at, body }: Envelope<'run' | 'watch'>): Envelope<'watch'> =>
  envelope('watch', { id, tenant, trace, at, body });

/** The end of a task on its way to the origin: the same message, whoever makes it. `record` is one of an ended task. */
export function replyEnvelope({ task, state, counts, finishedAt = task.acceptedAt }: TaskRecord): Envelope<'reply'> {
  const body = { task, state, counts, finishedAt, tries: 0 };
  const { principal, trace } = task;
  return envelope('reply', { id: replyIdOf(task.id), tenant: principal.tenant, trace, at: finishedAt, body });
}

export const encodeEnvelope = (message: Envelope): Buffer => Buffer.from(JSON.stringify(message));

/**
 * Bytes from the bus to a message whose body fits its kind.
 * @throws MOLT_ENVELOPE on bytes that are not JSON, an unknown version or kind, or a body that does not fit.
 */
export function decodeEnvelope(bytes: Buffer): Envelope {
  const parsed = head.safeParse(parseJson(bytes));
  if (!parsed.success) throw new MoltError('MOLT_ENVELOPE', z.prettifyError(parsed.error));
  const body = bodies[parsed.data.kind].safeParse(parsed.data.body);
  if (!body.success) throw new MoltError('MOLT_ENVELOPE', z.prettifyError(body.error));
  return { ...parsed.data, body: body.data };
}

/** Narrows a message to one kind. */
export const isKind = <K extends MessageKind>(message: Envelope, kind: K): message is Envelope<K> =>
  message.kind === kind;

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new MoltError('MOLT_ENVELOPE', 'the message is not JSON', { cause });
  }
}
