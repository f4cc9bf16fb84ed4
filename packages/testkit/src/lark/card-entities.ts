import { refusal } from './api-error.ts';
import { type Fields, fieldsAt } from './fields.ts';
import { newCardId } from './ids.ts';
import type { Messages } from './messages.ts';
import type { App, StoredMessage } from './model.ts';
import type { Settings } from './settings.ts';

/** A card that lives outside of messages, and is shown by one of them at most. */
export interface CardEntity {
  readonly id: string;
  readonly app: App;
  card: Fields;
  createdAt: number;
  /** Of the last operation. */
  sequence: number;
  readonly uuids: Set<string>;
  message: StoredMessage | undefined;
  /** Since when it streams. */
  streamingSince: number | undefined;
  /** The streaming mode ended by itself. */
  timedOut: boolean;
  /** Callbacks of its buttons that are not answered yet. */
  pressed: number;
}

/** https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/cardkit-v1/card/create */
export interface CardEntities {
  create(app: App, card: Fields): CardEntity;
  /** @throws ApiError 200740, 200750, 300311 */
  find(app: App, id: string): CardEntity;
  get(id: string): CardEntity | undefined;
  /** The message that shows it shows the new one at once. */
  change(entity: CardEntity, card: Fields): void;
  isStreaming(entity: CardEntity): boolean;
}

export function createCardEntities({ timing }: Settings, messages: Messages): CardEntities {
  const entities = new Map<string, CardEntity>();
  const streams = (card: Fields): boolean => fieldsAt(card, 'config')['streaming_mode'] === true;
  return {
    create(app, card) {
      const now = Date.now();
      const entity: CardEntity = {
        ...{ id: newCardId(), app, card, createdAt: now, sequence: 0, uuids: new Set<string>(), message: undefined },
        ...{ streamingSince: streams(card) ? now : undefined, timedOut: false, pressed: 0 },
      };
      entities.set(entity.id, entity);
      return entity;
    },
    find(app, id) {
      const entity = entities.get(id);
      if (!entity) throw refusal('cardUnknown');
      if (entity.app !== app) throw refusal('othersCard');
      if (Date.now() - entity.createdAt > timing.cardLife) throw refusal('cardExpired');
      return entity;
    },
    get: (id) => entities.get(id),
    change(entity, card) {
      entity.card = card;
      if (!streams(card)) entity.streamingSince = undefined;
      else entity.streamingSince ??= Date.now();
      entity.timedOut = false;
      if (entity.message) messages.change(entity.message, { type: 'interactive', card });
    },
    isStreaming(entity) {
      const { streamingSince } = entity;
      if (streamingSince === undefined || Date.now() - streamingSince < timing.streaming) {
        return streamingSince !== undefined;
      }
      entity.streamingSince = undefined;
      entity.timedOut = true;
      entity.card = { ...entity.card, config: { ...fieldsAt(entity.card, 'config'), streaming_mode: false } };
      return false;
    },
  };
}
