import type { ParseArgsOptionsConfig } from 'node:util';
import type { ApiCall } from './api-client.ts';

export type Values = Readonly<Record<string, unknown>>;

/** A command that is one call of the HTTP API. */
export interface RemoteCommand {
  readonly name: string;
  readonly usage: string;
  readonly summary: string;
  readonly words?: readonly string[];
  readonly options?: ParseArgsOptionsConfig;
  /** The call, or why these values make none. */
  readonly toCall: (values: Values) => ApiCall | string;
}

/** `?name=value&…` of what is given, or nothing. */
export function query(values: Values): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return given.length === 0
    ? ''
    : `?${new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)]))}`;
}
