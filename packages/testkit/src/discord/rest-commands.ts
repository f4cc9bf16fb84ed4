import { refusal } from './api-error.ts';
import type { Commands, Scope } from './commands.ts';
import type { RestDeps } from './rest-messages.ts';
import { type ApiAnswer, type ApiRequest, type Route, route } from './router.ts';

type Deps = RestDeps & { readonly commands: Commands };
type Names = 'application' | 'guild' | 'command';

/** The same six routes for global and guild commands. https://discord.com/developers/docs/interactions/application-commands#endpoints */
export function createCommandRoutes(deps: Deps): readonly Route[] {
  return [
    ...scopedRoutes(deps, '/applications/:application/commands'),
    ...scopedRoutes(deps, '/applications/:application/guilds/:guild/commands'),
  ];
}

function scopedRoutes({ world, access, commands }: Deps, base: string): readonly Route[] {
  const within = (
    answer: (scope: Scope, request: ApiRequest<Names>) => ApiAnswer,
  ): ((request: ApiRequest) => ApiAnswer) => {
    return (request) => {
      const { application, guild } = request.params;
      if (application !== world.applicationId) throw refusal('missingAccess');
      if (guild !== undefined) access.guild(guild);
      return answer(guild, request as ApiRequest<Names>);
    };
  };
  const localized = ({ query }: ApiRequest): boolean => query.get('with_localizations') === 'true';
  return [
    route(
      'GET',
      base,
      within((scope, request) => ({
        body: commands.of(scope).map((command) => (localized(request) ? command : withoutLocalizations(command))),
      })),
    ),
    route(
      'PUT',
      base,
      within((scope, { body }) => ({ body: commands.replaceAll(scope, body) })),
    ),
    route(
      'POST',
      base,
      within((scope, { body }) => {
        const { command, isNew } = commands.upsert(scope, body);
        return { status: isNew ? 201 : 200, body: command };
      }),
    ),
    route(
      'GET',
      `${base}/:command`,
      within((scope, { params }) => ({ body: commands.find(scope, params.command) })),
    ),
    route(
      'PATCH',
      `${base}/:command`,
      within((scope, { params, body }) => ({
        body: commands.change(scope, params.command, body),
      })),
    ),
    route(
      'DELETE',
      `${base}/:command`,
      within((scope, { params }) => {
        commands.remove(scope, params.command);
        return {};
      }),
    ),
  ];
}

/** A list leaves the dictionaries out unless they are asked for, at every level. */
function withoutLocalizations(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutLocalizations);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(
    ([key]) => key !== 'name_localizations' && key !== 'description_localizations',
  );
  return Object.fromEntries(kept.map(([key, field]) => [key, withoutLocalizations(field)]));
}
