import { ApiError, refusal, tooOften } from './api-error.ts';
import type { CardEntities, CardEntity } from './card-entities.ts';
import { CardFault } from './card-fault.ts';
import { taggedIn, withElement } from './card-walk.ts';
import { type Counters, count } from './counters.ts';
import { type Fields, fieldsAt, isFields, listOf, parsedFields, parsedList, textOf } from './fields.ts';
import type { MessageContent } from './message-content.ts';
import type { Messages } from './messages.ts';
import type { App } from './model.ts';
import { visibleTo } from './rest-messages.ts';
import { type ApiAnswer, type ApiRequest, type Route, route } from './router.ts';
import type { Settings } from './settings.ts';
import type { Windows } from './windows.ts';

export interface CardkitDeps {
  readonly settings: Settings;
  readonly content: MessageContent;
  readonly messages: Messages;
  readonly entities: CardEntities;
  readonly windows: Windows;
  readonly counters: Counters;
}

const scopes = ['cardkit:card:write'];
const maxInt32 = 2_147_483_647;

/** https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/cardkit-v1/card/create and the pages beside it; no batch_update. */
export function createCardkitRoutes({ settings, content, messages, entities, ...deps }: CardkitDeps): readonly Route[] {
  const { limits } = settings;
  const checked = (app: App, json: unknown): Fields => {
    if (Buffer.byteLength(textOf(json)) > limits.cardBytes) throw refusal('cardTooBig');
    const card = parsedFields(json);
    if (!card) throw new ApiError(400, 200220, 'Failed to generate card content');
    return inCard(() => {
      content.checkCard(app, card);
      return card;
    });
  };
  /** Whether an operation may be done: how often, by whom, in which order, and for the first time. */
  const begin = (app: App, id: string, fields: Fields): CardEntity => {
    const entity = entities.find(app, id);
    // The figure is documented, the code is not.
    if (deps.windows.take(`card ${id}`, limits.perCard) !== undefined) throw tooOften('card');
    count(deps.counters.cardOperations, id);
    const { sequence, uuid } = fields;
    if (typeof sequence !== 'number' || !Number.isInteger(sequence) || sequence < 1 || sequence > maxInt32) {
      throw refusal('cardParameter');
    }
    if (typeof uuid === 'string' && entity.uuids.has(uuid)) throw refusal('cardUuid');
    if (sequence <= entity.sequence) throw refusal('staleSequence');
    if (entity.pressed > 0) throw refusal('cardInUse');
    return entity;
  };
  const done = (entity: CardEntity, fields: Fields, card: Fields): ApiAnswer => {
    entity.sequence = Number(fields['sequence']);
    if (typeof fields['uuid'] === 'string') entity.uuids.add(fields['uuid']);
    entities.change(entity, card);
    return { data: {} };
  };
  const operation = <Name extends string>(
    work: (entity: CardEntity, request: ApiRequest<Name | 'card_id'>) => Fields,
  ): { scopes: readonly string[]; handle: (request: ApiRequest<Name | 'card_id'>) => ApiAnswer } => ({
    scopes,
    handle(request) {
      const entity = begin(request.app, request.params.card_id, request.fields);
      return done(entity, request.fields, work(entity, request));
    },
  });
  const fits = (app: App, card: Fields): Fields => checked(app, JSON.stringify(card));

  return [
    route('POST', '/cardkit/v1/cards', {
      scopes,
      handle({ app, fields }) {
        if (fields['type'] !== 'card_json') throw refusal('cardParameter');
        return { data: { card_id: entities.create(app, checked(app, fields['data'])).id } };
      },
    }),
    route('POST', '/cardkit/v1/cards/id_convert', {
      scopes: ['cardkit:card:write', 'cardkit:card:read'],
      handle({ app, fields }) {
        const { cardId } = visibleTo(app, textOf(fields['message_id']), messages);
        if (cardId === undefined) throw refusal('cardParameter');
        return { data: { card_id: cardId } };
      },
    }),
    route(
      'PUT',
      '/cardkit/v1/cards/:card_id',
      operation((_entity, { app, fields }) => checked(app, fieldsAt(fields, 'card')['data'])),
    ),
    route(
      'PATCH',
      '/cardkit/v1/cards/:card_id/settings',
      operation(({ card }, { app, fields }) => {
        const settings = parsedFields(fields['settings']);
        if (!settings) throw refusal('cardParameter');
        const config = { ...fieldsAt(card, 'config'), ...fieldsAt(settings, 'config') };
        const link = isFields(settings['card_link']) ? { card_link: settings['card_link'] } : {};
        return fits(app, { ...card, ...link, config });
      }),
    ),
    route(
      'PUT',
      '/cardkit/v1/cards/:card_id/elements/:element_id/content',
      operation<'element_id'>((entity, { app, params, fields }) => {
        const text = textOf(fields['content']);
        if (text === '' || text.length > 100_000) throw refusal('cardParameter');
        if (!entities.isStreaming(entity)) throw refusal(entity.timedOut ? 'streamingTimeout' : 'streamingClosed');
        return fits(app, withText(entity.card, params.element_id, text));
      }),
    ),
    route(
      'POST',
      '/cardkit/v1/cards/:card_id/elements',
      operation(({ card }, { app, fields }) => fits(app, withMore(card, fields))),
    ),
    route(
      'PUT',
      '/cardkit/v1/cards/:card_id/elements/:element_id',
      operation<'element_id'>(({ card }, { app, params, fields }) => {
        const element = parsedFields(fields['element']);
        if (!element) throw refusal('cardParameter');
        const changed = withElement(card, params.element_id, () => [{ element_id: params.element_id, ...element }]);
        return fits(app, changed ?? fail('elementUpdate'));
      }),
    ),
    route(
      'PATCH',
      '/cardkit/v1/cards/:card_id/elements/:element_id',
      operation<'element_id'>(({ card }, { app, params, fields }) => {
        const part = parsedFields(fields['partial_element']);
        if (!part) throw refusal('cardParameter');
        const changed = withElement(card, params.element_id, (element) => {
          if (part['tag'] !== undefined && part['tag'] !== element['tag']) throw refusal('elementTag');
          return [{ ...element, ...part }];
        });
        return fits(app, changed ?? fail('elementUpdate'));
      }),
    ),
    route(
      'DELETE',
      '/cardkit/v1/cards/:card_id/elements/:element_id',
      operation<'element_id'>(({ card }, { params }) => {
        return withElement(card, params.element_id, () => []) ?? fail('elementDelete');
      }),
    ),
  ];
}

function fail(name: 'elementUpdate' | 'elementDelete' | 'elementAdd'): never {
  throw refusal(name);
}

/** @throws ApiError with the code of a CardFault */
function inCard<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof CardFault ? error.forCard() : error;
  }
}

/** @throws ApiError 300310 and 300313 */
function withText(card: Fields, elementId: string, text: string): Fields {
  const target = taggedIn(card).find((element) => element['element_id'] === elementId);
  if (!target) throw refusal('elementUpdate', `element ${elementId} not exist`);
  if (!['markdown', 'plain_text'].includes(textOf(target['tag']))) throw refusal('onlyText');
  return withElement(card, elementId, (element) => [{ ...element, content: text }]) ?? card;
}

/** `append`, or before or after another one. */
function withMore(card: Fields, fields: Fields): Fields {
  const added = parsedList(fields['elements']);
  const target = textOf(fields['target_element_id']);
  if (added.length === 0) throw refusal('cardParameter');
  if (fields['type'] === 'append' && target === '') {
    const body = fieldsAt(card, 'body');
    return { ...card, body: { ...body, elements: [...listOf(body['elements']), ...added] } };
  }
  const changed = withElement(card, target, (element) => {
    if (fields['type'] === 'insert_before') return [...added, element];
    if (fields['type'] === 'insert_after') return [element, ...added];
    return [{ ...element, elements: [...listOf(element['elements']), ...added] }];
  });
  return changed ?? fail('elementAdd');
}
