import {
  type APIApplicationCommandOption,
  type APIAttachment,
  ApplicationCommandOptionType as OptionType,
} from 'discord-api-types/v10';
import type { Files } from './files.ts';
import type { Channel } from './model.ts';
import { channelPayload, memberPayload } from './payloads.ts';
import { permissionsIn } from './permissions.ts';
import type { FoundCommand, SlashFile, SlashOptions } from './slash-input.ts';
import type { World } from './world.ts';

interface SlashDeps {
  readonly world: World;
  readonly files: Files;
  readonly channel: Channel;
  readonly userId: string;
}

/**
 * The `data` of the interaction, with what it names resolved.
 * https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-object-application-command-data-structure
 */
export function slashData(
  found: FoundCommand,
  input: SlashOptions,
  deps: SlashDeps & { readonly focused?: string },
): unknown {
  const { command, steps, options } = found;
  const resolved: Record<string, Record<string, unknown>> = {};
  const typed = options.flatMap((option) => {
    const given = input[option.name];
    if (given === undefined) return [];
    const value = typeof given === 'object' ? attach(given, resolved, deps) : resolve(option, given, resolved, deps);
    const focused = option.name === deps.focused ? { focused: true } : {};
    return [{ name: option.name, type: option.type, value, ...focused }];
  });
  const nested = steps.reduceRight<unknown[]>((inner, { name, type }) => [{ name, type, options: inner }], typed);
  return {
    id: command.id,
    name: command.name,
    type: command.type,
    options: nested,
    ...(command.guild_id === undefined ? {} : { guild_id: command.guild_id }),
    ...(Object.keys(resolved).length > 0 ? { resolved } : {}),
  };
}

type Resolved = Record<string, Record<string, unknown>>;

const put = (resolved: Resolved, kind: string, id: string, value: unknown): void => {
  resolved[kind] = { ...resolved[kind], [id]: value };
};

function attach({ name, data }: SlashFile, resolved: Resolved, { files, channel }: SlashDeps): string {
  const upload = { index: '0', name, type: typeOfFile(name), data: Buffer.from(data) };
  const [attachment] = files.attach([upload], {}, { channelId: channel.id, ephemeral: true }) as [APIAttachment];
  put(resolved, 'attachments', attachment.id, attachment);
  return attachment.id;
}

export const typeOfFile = (name: string): string =>
  /\.(txt|log|sh|conf|ya?ml|py|md|csv)$/i.test(name) ? 'text/plain; charset=utf-8' : 'application/octet-stream';

/** Ids in the place of names. @throws an Error for what is not there */
function resolve(
  option: APIApplicationCommandOption,
  given: string | number | boolean,
  resolved: Resolved,
  deps: SlashDeps,
): unknown {
  const { world, channel, userId } = deps;
  switch (option.type) {
    case OptionType.User:
    case OptionType.Mentionable: {
      const { user } = world.person(String(given));
      put(resolved, 'users', user.id, user);
      if (channel.guild) {
        const permissions = String(permissionsIn(channel, user.id));
        put(resolved, 'members', user.id, { ...memberPayload(channel.guild, user.id), permissions });
      }
      return user.id;
    }
    case OptionType.Channel: {
      const chosen = world.channel(String(given));
      const permissions = String(permissionsIn(chosen, userId));
      put(resolved, 'channels', chosen.id, { ...channelPayload(chosen, world), permissions });
      return chosen.id;
    }
    case OptionType.Role: {
      const roles = [...(channel.guild?.roles.values() ?? [])];
      const role = roles.find(({ id, name }) => id === given || name === given);
      if (!role) throw new Error(`no role ${given}; there are ${roles.map(({ name }) => name).join(', ')}`);
      put(resolved, 'roles', role.id, role);
      return role.id;
    }
    default:
      return given;
  }
}
