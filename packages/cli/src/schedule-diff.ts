import { type DeclaredChange, diffDeclared, type FieldChange, type KnownSchedule } from '@moltbot/schedules';
import { parseApiKey } from '@moltbot/shared';
import { addressOf } from './api-address.ts';
import { type ApiAddress, callApi } from './api-client.ts';
import { type Command, exitCodes } from './command.ts';
import { readConfig } from './read-config.ts';
import { query } from './remote-command.ts';

/** As those of diff(1). */
const ends = { same: exitCodes.ok, differs: exitCodes.failed, wrong: exitCodes.usage } as const;
const text = { type: 'string' } as const;

/** Prints what becomes of the schedules of the key's tenant when the local configuration is applied. Changes nothing. */
export const scheduleDiff: Command = {
  name: 'schedule diff',
  usage: '[--file FILE] [--url URL] [--key KEY]',
  summary: 'print what the configuration would change; ends with 0: nothing, 1: something, 2: it went wrong',
  options: { file: { type: 'string', short: 'f' }, url: text, key: text },
  async run(values, terminal) {
    const { print, complain } = terminal;
    const wrong = (why: string) => {
      complain(why);
      return ends.wrong;
    };
    const address = addressOf(values, terminal);
    if (typeof address === 'string') return wrong(address);
    const tenant = parseApiKey(address.key)?.tenant;
    if (tenant === undefined) return wrong('the API key names no tenant: it is none that `moltbot key new` printed');
    const config = await readConfig(values['file'], terminal);
    if (!config) return ends.wrong;
    if (!Object.hasOwn(config.tenants, tenant))
      return wrong(`the configuration has no tenant "${tenant}", that of the API key`);
    const known = await schedulesOf(tenant, address);
    if (typeof known === 'string') return wrong(known);
    const changes = diffDeclared(
      config.schedules.filter((each) => each.tenant === tenant),
      known,
    );
    for (const change of changes) print(inWords(change));
    return changes.length === 0 ? ends.same : ends.differs;
  },
};

/** All of them, or why they cannot be had. */
async function schedulesOf(tenant: string, address: ApiAddress): Promise<readonly KnownSchedule[] | string> {
  const found: KnownSchedule[] = [];
  let cursor: string | undefined;
  do {
    const answer = await callApi(address, { method: 'GET', path: `/v1/schedules${query({ limit: 200, cursor })}` });
    if (answer.kind === 'refused') return answer.why;
    const { body: page } = answer;
    if (!isPage(page)) return `${address.url} answers with something else than schedules`;
    for (const { id, source, spec } of page.schedules) found.push({ tenant, id, source, spec });
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}

interface Page {
  readonly schedules: readonly Omit<KnownSchedule, 'tenant'>[];
  readonly cursor?: string;
}

function isPage(body: unknown): body is Page {
  if (!isObject(body) || !('schedules' in body) || !Array.isArray(body.schedules)) return false;
  return body.schedules.every(isSchedule) && (!('cursor' in body) || typeof body.cursor === 'string');
}

function isSchedule(value: unknown): boolean {
  if (!isObject(value) || !('id' in value) || !('source' in value) || !('spec' in value)) return false;
  return typeof value.id === 'string' && ['config', 'api'].includes(String(value.source)) && isObject(value.spec);
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

function inWords(change: DeclaredChange): string {
  switch (change.kind) {
    case 'new':
      return `+ ${change.declared.id}`;
    case 'gone':
      return `- ${change.known.id}`;
    case 'foreign':
      return `! ${change.declared.id} is the name of one made through the API: it is refused`;
    case 'changed':
      return [`~ ${change.declared.id}`, ...change.fields.map(fieldInWords)].join('\n');
  }
}

const fieldInWords = ({ path, from, to }: FieldChange): string => `    ${path}: ${asText(from)} → ${asText(to)}`;

const asText = (value: unknown): string => (value === undefined ? '(none)' : JSON.stringify(value));
