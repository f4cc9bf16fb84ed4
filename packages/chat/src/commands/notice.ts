import { silenceMatter } from '@moltbot/notify';
import type { NotificationBatch } from '@moltbot/plugin-sdk';
import { MoltError, notificationKeyOf, type Place, type Principal } from '@moltbot/shared';
import type { Asker, ChatContext } from '../chat-context.ts';
import type { RunCommand } from '../grammar/command.ts';
import type { Incoming } from '../incoming.ts';
import type { Notice, NoticeDone } from '../notices/notices.ts';
import type { GrantedPress } from '../questions/grants.ts';
import { buttonKey } from '../render/notification-to-message.ts';
import { deferAnswer } from '../respond.ts';
import { holdGrant, isForLeader } from './hold-grant.ts';
import { checkNow, runCommand } from './run.ts';

/** How long a matter that is silenced is not told again, ms. */
const silenceMs = 4 * 3_600_000;

/** Does something about a notification; its message says so from then on. @param key of the notification, from the button */
export async function actOnNotice(
  context: ChatContext,
  asker: Asker,
  { key, what }: { readonly key: string; readonly what: NoticeDone['what'] },
): Promise<void> {
  const { notices, clock } = context;
  const { incoming } = asker;
  const { tenant, actor, place } = incoming;
  const notice = await notices.findByKey(tenant, place, key);
  if (!notice || incoming.kind !== 'press') throw new MoltError('MOLT_NOT_FOUND', 'the notification is forgotten');
  await deferAnswer(asker);
  if (what === 'silenced') await silence(context, notice.batch, key);
  await notices.note(tenant, notice.batch.id, key, { what, by: actor.name, event: incoming.id, at: clock.now() });
  await showDone(context, notice, { place, event: incoming.id, message: incoming.message });
}

/** Its message says what was done about it. @param by the event that did it, and the message with its button */
export async function showDone(
  { posts, clock }: Pick<ChatContext, 'posts' | 'clock'>,
  { batch: { id, tenant }, language }: Notice,
  by: { readonly place: Place; readonly event: string; readonly message: string },
): Promise<void> {
  const at = clock.now();
  await posts.begin({
    ...{ id: `notice-${id}-${by.event}`, tenant, place: by.place, language, createdAt: at, files: 0 },
    subject: { kind: 'notice', id },
    messages: [{ id: by.message, at, edits: 0 }],
  });
}

interface OfRemedy {
  /** Of the notification and of its action, from the button. */
  readonly key: string;
  readonly action: string;
  readonly principal: Principal;
}

/** Runs what a button of a notification is for, as whoever pressed it first. */
export async function runRemedy(context: ChatContext, asker: Asker, wanted: OfRemedy): Promise<void> {
  const { notices, grants } = context;
  const { incoming } = asker;
  const { tenant, place, id: event } = incoming;
  const { key, principal } = wanted;
  const notice = await notices.findByKey(tenant, place, key);
  const command = notice && remedyOf(notice, wanted);
  if (!command || incoming.kind !== 'press') throw new MoltError('MOLT_NOT_FOUND', 'the notification is forgotten');
  if (!notice.done[key]) {
    // What is refused is not said to be run.
    checkNow(context, command, principal);
    // Before it is said to be run: that must not hang on this process.
    await grants.begin({ tenant, event, kind: 'remedy', press: toGranted(asker, incoming, principal) });
  }
  const work = async (): Promise<'done' | 'left'> => {
    await actOnNotice(context, asker, { key, what: 'remedyRun' });
    const noted = (await notices.find(tenant, notice.batch.id))?.done[key];
    // Done again after a crash it is the same event; another's comes too late.
    if (noted?.event !== event) return 'done';
    if (isForLeader(context, noted.at)) return 'left';
    await runCommand(context, asker, { command, principal });
    return 'done';
  };
  await holdGrant(context, asker, { event, work });
}

/** What a button of a notification runs. */
export function remedyOf({ batch }: Notice, { key, action }: Pick<OfRemedy, 'key' | 'action'>): RunCommand | undefined {
  const item = batch.items.find(({ notification }) => buttonKey(notification.id) === key);
  const task = item?.notification.actions?.find(({ id }) => buttonKey(id) === action)?.task;
  return task && { verb: 'run', ...task };
}

const toGranted = (
  { language, since }: Asker,
  { place, actor: { id, name }, button, message, at }: Incoming & { readonly kind: 'press' },
  { id: as }: Principal,
): GrantedPress => ({ place, actor: { id, name }, button, message, language, as, at, since });

async function silence({ store }: ChatContext, { items, tenant }: NotificationBatch, key: string): Promise<void> {
  const item = items.find(({ notification }) => buttonKey(notification.id) === key);
  if (item) await silenceMatter(store, { tenant, key: notificationKeyOf(item.notification), forMs: silenceMs });
}
