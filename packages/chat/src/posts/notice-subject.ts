import type { NotificationItem } from '@moltbot/plugin-sdk';
import type { ChatMessage } from '../message.ts';
import type { Notice, Notices } from '../notices/notices.ts';
import { buttonKey, notificationToMessage } from '../render/notification-to-message.ts';
import type { Language } from '../texts/language.ts';
import { texts } from '../texts/texts.ts';
import type { Post } from './post.ts';
import type { Subject } from './subject.ts';

/** A notification. What is done about it later is a post of its own, over the same message. */
export function createNoticeSubject(notices: Notices, { tenant, language }: Post, id: string): Subject {
  return {
    async look() {
      const notice = await notices.find(tenant, id);
      if (!notice) return { message: { tone: 'neutral', text: [texts(language).lists.none] }, isFinal: true };
      return { message: noticeToMessage(notice, language), isFinal: true };
    },
    watch: () => () => {},
    files: async () => [],
  };
}

/** What something was done about has no buttons any more, and says who did it. */
function noticeToMessage({ batch, done }: Notice, language: Language): ChatMessage {
  const doneOf = ({ notification }: NotificationItem) => done[buttonKey(notification.id)];
  const items = batch.items.map((item) =>
    doneOf(item) ? { ...item, notification: { ...item.notification, actions: [] } } : item,
  );
  const message = notificationToMessage({ ...batch, items }, language);
  const t = texts(language);
  const said = batch.items.flatMap((item, at) => {
    const known = doneOf(item);
    if (!known) return [];
    const words = t.done[known.what](known.by);
    return [batch.items.length === 1 ? words : t.notification.numbered(at + 1, words)];
  });
  return said.length === 0 ? message : { ...message, text: [...(message.text ?? []), ...said] };
}
