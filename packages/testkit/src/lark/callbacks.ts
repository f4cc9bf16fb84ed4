import { ApiError, refusal } from './api-error.ts';
import type { CardEntities, CardEntity } from './card-entities.ts';
import { CardFault } from './card-fault.ts';
import type { Handover } from './connection.ts';
import type { Events } from './events.ts';
import { type Fields, fieldsAt, isFields, textOf } from './fields.ts';
import { newCallbackToken } from './ids.ts';
import type { MessageContent } from './message-content.ts';
import type { Messages } from './messages.ts';
import { type App, bodyOf, type Person, type StoredMessage } from './model.ts';
import type { Settings } from './settings.ts';

/** What a user sees after using a card. */
export interface Reaction {
  /** Whether the app answered in time, and well. */
  readonly answered: boolean;
  readonly toast: Fields | undefined;
  /** The answer brought a card, and it was put in place. */
  readonly cardChanged: boolean;
}

/** https://open.feishu.cn/document/uAjLw4CM/ukzMukzMukzM/feishu-cards/card-callback-communication */
export interface Callbacks {
  /** Asks the app whose card it is. */
  use(message: StoredMessage, person: Person, action: Fields): Promise<Reaction>;
  /** The later answer, by the callback's token. @throws ApiError */
  updateLater(app: App, token: string, card: unknown): void;
}

interface Deps {
  readonly settings: Settings;
  readonly events: Events;
  readonly messages: Messages;
  readonly content: MessageContent;
  readonly entities: CardEntities;
}

interface Callback {
  readonly app: App;
  readonly message: StoredMessage;
  readonly at: number;
  uses: number;
  answered: boolean;
}

const maxUses = 2;

export function createCallbacks({ settings, events, messages, content, entities }: Deps): Callbacks {
  const callbacks = new Map<string, Callback>();
  const entityOf = ({ cardId }: StoredMessage): CardEntity | undefined =>
    cardId === undefined ? undefined : entities.get(cardId);
  const show = (message: StoredMessage, card: Fields): void => {
    const entity = entityOf(message);
    if (entity) entities.change(entity, card);
    else messages.change(message, { type: 'interactive', card });
  };
  const cardOf = (message: StoredMessage): Fields => {
    const body = bodyOf(message);
    return body.type === 'interactive' ? body.card : {};
  };
  /** @returns whether it was put in place: not while it streams, not when it is wrong */
  const place = (message: StoredMessage, app: App, card: Fields): boolean => {
    const entity = entityOf(message);
    if (entity && entities.isStreaming(entity)) return false;
    try {
      content.checkCard(app, card);
    } catch {
      return false;
    }
    show(message, card);
    return true;
  };
  const demandFit = (app: App, card: Fields): void => {
    if (Buffer.byteLength(JSON.stringify(card)) > settings.limits.cardBytes) throw refusal('cardTooBig');
    try {
      content.checkCard(app, card);
    } catch (error) {
      throw error instanceof CardFault ? new ApiError(400, 11311, error.forCard().message) : error;
    }
  };
  const reactionTo = (handover: Handover, { app, message }: Callback): Reaction => {
    if (handover.kind !== 'acknowledged') return { answered: false, toast: undefined, cardChanged: false };
    const answer = isFields(handover.answer) ? handover.answer : {};
    const card = fieldsAt(answer, 'card');
    const data = card['type'] === 'raw' && isFields(card['data']) ? card['data'] : undefined;
    const cardChanged = data !== undefined && place(message, app, data);
    const toast = isFields(answer['toast']) ? answer['toast'] : undefined;
    return { answered: data === undefined || cardChanged, toast, cardChanged };
  };
  return {
    async use(message, person, action) {
      const { author } = message;
      if (author.kind !== 'app') throw new Error(`message ${message.id} is no bot's`);
      const token = newCallbackToken();
      const callback: Callback = { app: author, message, at: Date.now(), uses: 0, answered: false };
      callbacks.set(token, callback);
      const entity = entityOf(message);
      const before = cardOf(message);
      if (entity) entity.pressed += 1;
      const handover = await events.pressed(author, { message, person, token, action });
      if (entity) entity.pressed -= 1;
      callback.answered = true;
      // A later update that came before the answer is undone by it.
      if (callback.uses > 0) show(message, before);
      return reactionTo(handover, callback);
    },
    updateLater(app, token, card) {
      if (!token.startsWith('c-')) throw refusal('callbackFormat');
      const callback = callbacks.get(token);
      if (!callback || Date.now() - callback.at > settings.timing.callbackToken) throw refusal('callbackExpired');
      if (callback.app !== app) throw refusal('othersCard');
      if (callback.uses >= maxUses) throw refusal('callbackUsedUp');
      if (callback.message.deletedAt !== undefined) throw refusal('cardRecalled');
      if (!isFields(card)) throw refusal('cardParameter');
      const { open_ids: _, ...data } = card;
      demandFit(app, data);
      callback.uses += 1;
      show(callback.message, data);
    },
  };
}

/** A toast in the user's language. */
export function toastText(toast: Fields, locale: string): string {
  return textOf(fieldsAt(toast, 'i18n')[locale]) || textOf(toast['content']);
}
