import { type APIApplicationCommand, ApplicationCommandType } from 'discord-api-types/v10';
import { refusal } from './api-error.ts';
import { checkCommands, exceedsCommandCount } from './command-form.ts';
import { type Fields, isFields } from './form.ts';
import type { Settings } from './settings.ts';

/** `undefined` is the global scope, else the id of a guild. */
export type Scope = string | undefined;

/** The application's commands. https://discord.com/developers/docs/interactions/application-commands */
export interface Commands {
  of(scope: Scope): readonly APIApplicationCommand[];
  /** What a member of the guild sees: its own commands and the global ones. */
  visibleIn(guildId: string | undefined): readonly APIApplicationCommand[];
  /** Replaces all; one of the same name and type stays itself. @throws ApiError */
  replaceAll(scope: Scope, bodies: unknown): readonly APIApplicationCommand[];
  /** Makes one, or changes the one of the same name and type. */
  upsert(scope: Scope, body: unknown): { readonly command: APIApplicationCommand; readonly isNew: boolean };
  change(scope: Scope, id: string, body: unknown): APIApplicationCommand;
  find(scope: Scope, id: string): APIApplicationCommand;
  remove(scope: Scope, id: string): void;
}

const day = 24 * 3_600_000;

export function createCommands(
  { limits }: Settings,
  { applicationId, newId }: { readonly applicationId: string; readonly newId: () => string },
): Commands {
  const scopes = new Map<Scope, readonly APIApplicationCommand[]>();
  const creates = new Map<Scope, readonly number[]>();
  const of = (scope: Scope): readonly APIApplicationCommand[] => scopes.get(scope) ?? [];

  const countCreates = (scope: Scope, count: number): void => {
    const recent = (creates.get(scope) ?? []).filter((at) => at > Date.now() - day);
    if (recent.length + count > limits.commandCreatesPerDay) throw refusal('tooManyCommandCreates');
    creates.set(scope, [...recent, ...Array.from({ length: count }, () => Date.now())]);
  };
  const store = (scope: Scope, bodies: readonly Fields[]): readonly APIApplicationCommand[] => {
    const known = of(scope);
    const next = bodies.map((body) => {
      const old = known.find((command) => sameCommand(command, body));
      return old ? changed(old, body, newId) : commandOf(body, { scope, applicationId, newId });
    });
    countCreates(scope, next.filter(({ id }) => known.every((command) => command.id !== id)).length);
    scopes.set(scope, next);
    return next;
  };
  const put = (scope: Scope, bodies: readonly Fields[], pathOf: (index: number) => (string | number)[]) => {
    checkCommands(bodies, pathOf);
    if (exceedsCommandCount(bodies.map(typeOf))) throw refusal('tooManyCommands');
    return store(scope, bodies);
  };
  const find = (scope: Scope, id: string): APIApplicationCommand => {
    const found = of(scope).find((command) => command.id === id);
    if (!found) throw refusal('unknownCommand');
    return found;
  };
  return {
    of,
    visibleIn: (guildId) => [...(guildId === undefined ? [] : of(guildId)), ...of(undefined)],
    replaceAll(scope, bodies) {
      const list = Array.isArray(bodies) ? bodies.map((body: unknown) => (isFields(body) ? body : {})) : [];
      return put(scope, list, (index) => [index]);
    },
    upsert(scope, body) {
      const fields = isFields(body) ? body : {};
      const others = of(scope).filter((command) => !sameCommand(command, fields));
      const all = put(scope, [...others, fields] as Fields[], () => []);
      const isNew = others.length === of(scope).length - 1 && !others.includes(all.at(-1) as APIApplicationCommand);
      return { command: all.at(-1) as APIApplicationCommand, isNew };
    },
    change(scope, id, body) {
      const old = find(scope, id);
      const fields = { ...old, ...(isFields(body) ? body : {}) };
      const all = of(scope).map((command): Fields => ({ ...(command.id === id ? fields : command) }));
      checkCommands(all, () => []);
      const next = changed(old, fields, newId);
      scopes.set(
        scope,
        of(scope).map((command) => (command.id === id ? next : command)),
      );
      return next;
    },
    find,
    remove(scope, id) {
      find(scope, id);
      scopes.set(
        scope,
        of(scope).filter((command) => command.id !== id),
      );
    },
  };
}

const typeOf = (body: Fields): number => Number(body['type'] ?? ApplicationCommandType.ChatInput);

const sameCommand = (command: APIApplicationCommand, body: Fields): boolean =>
  command.name === body['name'] && command.type === typeOf(body);

interface CommandContext {
  readonly scope: Scope;
  readonly applicationId: string;
  readonly newId: () => string;
}

const commandOf = (body: Fields, { scope, applicationId, newId }: CommandContext): APIApplicationCommand =>
  ({
    type: typeOf(body),
    description: '',
    default_member_permissions: null,
    ...body,
    id: newId(),
    application_id: applicationId,
    ...(scope === undefined ? {} : { guild_id: scope }),
    version: newId(),
  }) as APIApplicationCommand;

/** Keeps its id; a change gives it a new version. */
function changed(old: APIApplicationCommand, body: Fields, newId: () => string): APIApplicationCommand {
  const { id, application_id, guild_id, version } = old;
  const fixed = { id, application_id, ...(guild_id === undefined ? {} : { guild_id }), version };
  const next = { type: typeOf(body), description: '', default_member_permissions: null, ...body, ...fixed };
  if (JSON.stringify(sorted(next)) === JSON.stringify(sorted(old))) return old;
  return { ...next, version: newId() } as APIApplicationCommand;
}

const sorted = (value: object): unknown[] =>
  Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
