import { silenceMatter } from '@moltbot/notify';
import type { NotificationBatch } from '@moltbot/plugin-sdk';
import { MoltError, notificationKeyOf, type Principal } from '@moltbot/shared';
import type { Asker, ChatContext } from '../chat-context.ts';
import type { NoticeDone } from '../notices/notices.ts';
import { buttonKey } from '../render/notification-to-message.ts';
import { deferAnswer } from '../respond.ts';
import { runCommand } from './run.ts';

/** How long a matter that is silenced is not told again, ms. */
const silenceMs = 4 * 3_600_000;

/** Does something about a notification; its message says so from then on. @param key of the notification, from the button */
export async function actOnNotice(
  context: ChatContext,
  asker: Asker,
  { key, what }: { readonly key: string; readonly what: NoticeDone['what'] },
): Promise<void> {
  const { notices, posts, clock } = context;
  const { incoming } = asker;
  const { tenant, actor, place } = incoming;
  const notice = await notices.findByKey(tenant, place, key);
  if (!notice || incoming.kind !== 'press') throw new MoltError('MOLT_NOT_FOUND', 'the notification is forgotten');
  await deferAnswer(asker);
  if (what === 'silenced') await silence(context, notice.batch, key);
  await notices.note(tenant, notice.batch.id, key, { what, by: actor.name, event: incoming.id, at: clock.now() });
  const at = clock.now();
  await posts.begin({
    ...{
      id: `notice-${notice.batch.id}-${incoming.id}`,
      tenant,
      place,
      language: notice.language,
      createdAt: at,
      files: 0,
    },
    subject: { kind: 'notice', id: notice.batch.id },
    messages: [{ id: incoming.message, at, edits: 0 }],
  });
}

/** Runs what a button of a notification is for, as whoever pressed it first. */
export async function runRemedy(
  context: ChatContext,
  asker: Asker,
  { key, action, principal }: { readonly key: string; readonly action: string; readonly principal: Principal },
): Promise<void> {
  const { tenant, place, id: event } = asker.incoming;
  const { notices } = context;
  const notice = await notices.findByKey(tenant, place, key);
  const item = notice?.batch.items.find(({ notification }) => buttonKey(notification.id) === key);
  const task = item?.notification.actions?.find(({ id }) => buttonKey(id) === action)?.task;
  if (!notice || !task) throw new MoltError('MOLT_NOT_FOUND', 'the notification is forgotten');
  await actOnNotice(context, asker, { key, what: 'remedyRun' });
  const noted = await notices.find(tenant, notice.batch.id);
  // Done again after a crash it is the same event; another's comes too late.
  if (noted?.done[key]?.event === event)
    await runCommand(context, asker, { command: { verb: 'run', ...task }, principal });
}

async function silence({ store }: ChatContext, { items, tenant }: NotificationBatch, key: string): Promise<void> {
  const item = items.find(({ notification }) => buttonKey(notification.id) === key);
  if (item) await silenceMatter(store, { tenant, key: notificationKeyOf(item.notification), forMs: silenceMs });
}
