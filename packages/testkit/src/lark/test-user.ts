import { type Reaction, toastText } from './callbacks.ts';
import { type Fields, textOf } from './fields.ts';
import type { Chat, Person, StoredMessage } from './model.ts';
import type { Locale } from './options.ts';
import type { People, Placing, Saying, SentFile } from './people.ts';
import type { LarkMessage } from './view.ts';
import type { World } from './world.ts';

/**
 * A human at a client. Chats are named by id, `name`, `tenant/name`, or `@bot` for the talk with the tenant's first bot, `@app`
 * for that with another; messages by id. What a client would not let through throws an Error that says why.
 */
export interface TestUser {
  readonly name: string;
  readonly displayName: string;
  readonly locale: Locale;
  /** As an app knows the user. Default: the tenant's first app. */
  openId(app?: string): string;
  say(chat: string, text: string, options?: Saying): LarkMessage;
  /** To the bot. */
  dm(text: string, options?: Saying & { readonly app?: string }): LarkMessage;
  /** Rich text: a title, and lines of pieces such as `{"tag":"text","text":"…"}`. */
  post(chat: string, post: Fields): LarkMessage;
  /** A file, or an image if its bytes are one. */
  sendFile(chat: string, file: SentFile & Placing): LarkMessage;
  recall(messageId: string): void;
  /** The apps hear of it in talks of two. */
  read(messageId: string): void;
  /** By the button's label, name, element id, or what its callback carries. Resolves when the app answered, or its time is over. */
  press(messageId: string, which: string | Fields, options?: { readonly form?: Fields }): Promise<UserAnswer>;
  /** Of a menu, by its name or element id. */
  choose(messageId: string, name: string, option: string): Promise<UserAnswer>;
  /** Puts an app's bot into a group, or out of it. */
  addBot(chat: string, app?: string): void;
  removeBot(chat: string, app?: string): void;
}

/** What the user sees after using a card. */
export interface UserAnswer {
  /** False: the client says that something went wrong. */
  readonly ok: boolean;
  readonly toast: { readonly type: string; readonly text: string } | undefined;
  readonly cardChanged: boolean;
  /** After the user acted. */
  readonly afterMs: number;
}

interface Deps {
  readonly locale: Locale;
  readonly world: World;
  readonly people: People;
  view(message: StoredMessage): LarkMessage;
  /** Changes which bots are in a group, and tells them. */
  setBot(change: BotChange): void;
}

export interface BotChange {
  readonly chat: Chat;
  readonly app: string | undefined;
  readonly operator: Person;
  readonly isIn: boolean;
}

export function createTestUser(person: Person, { locale, world, people, view, setBot }: Deps): TestUser {
  const own = `${person.tenant.name}/`;
  const appOf = (app?: string) => (app === undefined ? firstApp(world, person) : world.app(app));
  const at = (chat: string): Chat => {
    if (chat === '@bot') return world.talk(person, appOf());
    if (chat.startsWith('@')) return world.talk(person, world.app(chat.slice(1)));
    const isOwn = world.chats().some(({ name, tenant }) => name === chat && tenant === person.tenant);
    return world.chat(isOwn ? `${own}${chat}` : chat);
  };
  const seen = async (reaction: Promise<Reaction>): Promise<UserAnswer> => {
    const began = performance.now();
    const { answered, toast, cardChanged } = await reaction;
    const shown = toast && { type: textOf(toast['type']) || 'info', text: toastText(toast, locale) };
    return { ok: answered, toast: shown, cardChanged, afterMs: performance.now() - began };
  };
  return {
    name: person.name,
    displayName: person.displayName,
    locale,
    openId: (app) => world.openId(appOf(app), person),
    say: (chat, text, options) => view(people.say(person, at(chat), { text, ...options })),
    dm: (text, { app, ...options } = {}) =>
      view(people.say(person, world.talk(person, appOf(app)), { text, ...options })),
    post: (chat, post) => view(people.post(person, at(chat), post)),
    sendFile: (chat, file) => view(people.send(person, at(chat), file)),
    recall: (messageId) => people.recall(person, messageId),
    read: (messageId) => people.read(person, messageId),
    press: (messageId, which, options) => seen(people.press(person, messageId, { which, locale, ...options })),
    choose: (messageId, name, option) => seen(people.choose(person, messageId, { name, option })),
    addBot: (chat, app) => setBot({ chat: at(chat), app, operator: person, isIn: true }),
    removeBot: (chat, app) => setBot({ chat: at(chat), app, operator: person, isIn: false }),
  };
}

function firstApp(world: World, person: Person) {
  const found = world.apps.find(({ tenant }) => tenant === person.tenant);
  if (!found) throw new Error(`tenant ${person.tenant.name} has no app`);
  return found;
}
