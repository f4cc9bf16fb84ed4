import { randomBytes } from 'node:crypto';
import {
  type APIApplicationCommandOptionChoice,
  type APIInteraction,
  type APIMessageInteractionMetadata,
  type APIModalInteractionResponseCallbackData,
  ApplicationIntegrationType,
  InteractionContextType,
  type InteractionType,
} from 'discord-api-types/v10';
import type { Changes } from './changes.ts';
import type { Channel, Person, StoredMessage } from './model.ts';
import { channelPayload, memberPayload } from './payloads.ts';
import { permissionsIn } from './permissions.ts';
import type { Settings } from './settings.ts';
import type { World } from './world.ts';

/** Something a user did that the bot has to answer. */
export interface StoredInteraction {
  readonly api: APIInteraction;
  readonly person: Person;
  readonly channel: Channel;
  /** The message whose component was used. */
  readonly source: StoredMessage | undefined;
  /** Epoch milliseconds. */
  readonly at: number;
  answer: InteractionAnswer | undefined;
  /** What `@original` names. */
  original: StoredMessage | undefined;
  readonly followUps: StoredMessage[];
}

/** The first answer of the bot: what the user's client shows at once. `afterMs` after the user acted. */
export type InteractionAnswer = { readonly afterMs: number } & (
  | { readonly kind: 'message' | 'deferred' | 'updated'; readonly message: StoredMessage | undefined }
  | { readonly kind: 'choices'; readonly choices: readonly APIApplicationCommandOptionChoice[] }
  | { readonly kind: 'modal'; readonly modal: APIModalInteractionResponseCallbackData }
);

export interface NewInteraction {
  readonly type: InteractionType;
  readonly data: unknown;
  readonly person: Person;
  readonly channel: Channel;
  readonly source?: StoredMessage;
}

export interface Interactions {
  open(interaction: NewInteraction): StoredInteraction;
  find(id: string, token: string): StoredInteraction | undefined;
  byToken(token: string): StoredInteraction | undefined;
  acknowledge(interaction: StoredInteraction, answer: InteractionAnswer): void;
  /** Resolves with the first answer. @throws when the bot does not answer in time, as the user's client says */
  answered(interaction: StoredInteraction): Promise<InteractionAnswer>;
}

interface Deps {
  readonly settings: Settings;
  readonly world: World;
  readonly changes: Changes;
  readonly newId: () => string;
}

export function createInteractions({ settings, world, changes, newId }: Deps): Interactions {
  const byToken = new Map<string, StoredInteraction>();
  const waiting = new Map<StoredInteraction, ((answer: InteractionAnswer) => void)[]>();
  return {
    open({ type, data, person, channel, source }) {
      const base = baseOf({ type, data, person, channel, source: source?.api }, { settings, world, newId });
      const interaction: StoredInteraction = {
        api: base,
        person,
        channel,
        source,
        at: Date.now(),
        answer: undefined,
        original: undefined,
        followUps: [],
      };
      byToken.set(base.token, interaction);
      changes.ring({ kind: 'interaction', channel, interaction: base });
      return interaction;
    },
    find(id, token) {
      const found = byToken.get(token);
      return found?.api.id === id ? found : undefined;
    },
    byToken: (token) => byToken.get(token),
    acknowledge(interaction, answer) {
      interaction.answer = answer;
      for (const resolve of waiting.get(interaction) ?? []) resolve(answer);
      waiting.delete(interaction);
    },
    async answered(interaction) {
      if (interaction.answer) return interaction.answer;
      const left = Math.max(0, interaction.at + settings.timing.acknowledge - Date.now());
      const { promise, resolve, reject } = Promise.withResolvers<InteractionAnswer>();
      waiting.set(interaction, [...(waiting.get(interaction) ?? []), resolve]);
      const timer = setTimeout(() => reject(new Error('The application did not respond')), left);
      return promise.finally(() => clearTimeout(timer));
    },
  };
}

/** https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-object */
function baseOf(
  {
    type,
    data,
    person,
    channel,
    source,
  }: Omit<NewInteraction, 'source'> & { source: StoredMessage['api'] | undefined },
  { settings, world, newId }: Pick<Deps, 'settings' | 'world' | 'newId'>,
): APIInteraction {
  const { guild } = channel;
  const permissions = String(permissionsIn(channel, person.user.id));
  const who = guild
    ? { member: { ...memberPayload(guild, person.user.id), user: person.user, permissions } }
    : { user: person.user };
  const base = {
    id: newId(),
    application_id: world.applicationId,
    type,
    data,
    token: randomBytes(60).toString('base64url'),
    version: 1,
    channel: channelPayload(channel, world),
    channel_id: channel.id,
    ...(guild ? { guild: { id: guild.id, locale: guild.locale, features: [] }, guild_id: guild.id } : {}),
    ...who,
    ...(source ? { message: source } : {}),
    app_permissions: String(permissionsIn(channel, world.bot.id)),
    locale: person.locale,
    ...(guild ? { guild_locale: guild.locale } : {}),
    entitlements: [],
    authorizing_integration_owners: { [ApplicationIntegrationType.GuildInstall]: guild?.id ?? '0' },
    context: guild ? InteractionContextType.Guild : InteractionContextType.BotDM,
    attachment_size_limit: settings.limits.fileBytes,
  };
  // Type and data belong together as the caller made them.
  return base as unknown as APIInteraction;
}

/** What a message that answers an interaction says of it. */
export const metadataOf = ({ api, person }: StoredInteraction): APIMessageInteractionMetadata =>
  ({
    id: api.id,
    type: api.type,
    user: person.user,
    authorizing_integration_owners: api.authorizing_integration_owners,
  }) as APIMessageInteractionMetadata;
