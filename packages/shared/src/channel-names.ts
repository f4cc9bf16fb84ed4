import { nearest } from './nearest.ts';

/** The channel that is there without being written. */
export const logChannel = 'log';

/** Why a tenant has no channel of that name, with what is meant or what there is; undefined when it has one. Tells nothing of other tenants. */
export function whyNoChannel(
  name: string,
  tenant: string,
  channels: Readonly<Record<string, { readonly tenant: string }>>,
): string | undefined {
  const own = Object.entries(channels).flatMap(([each, channel]) => (channel.tenant === tenant ? [each] : []));
  const names = [...new Set([...own, logChannel])];
  if (names.includes(name)) return undefined;
  const meant = nearest(name, names);
  const hint = meant === undefined ? `; there are: ${names.join(', ')}` : `; did you mean "${meant}"?`;
  return `there is no channel "${name}"${hint}`;
}
