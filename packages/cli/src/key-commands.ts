import { newApiKey, TenantId } from '@moltbot/shared';
import { type Command, exitCodes } from './command.ts';

/** Makes an API key: its text is printed once and kept nowhere, the configuration gets id and hash. */
export const keyNew: Command = {
  name: 'key new',
  usage: '--tenant TENANT',
  summary: 'make an API key for a tenant',
  options: { tenant: { type: 'string', short: 't' } },
  async run({ tenant }, { print, complain }) {
    if (tenant === undefined) {
      complain('--tenant is missing: name the tenant of the key, such as --tenant default');
      return exitCodes.usage;
    }
    const id = TenantId.safeParse(tenant);
    if (!id.success) {
      complain(`--tenant is wrong: ${id.error.issues[0]?.message ?? 'no tenant id'}`);
      return exitCodes.usage;
    }
    print(describeKey(id.data));
    return exitCodes.ok;
  },
};

function describeKey(tenant: string): string {
  const { text, id, hash } = newApiKey(tenant);
  return [
    '# The key, for its holder. It is shown this once.',
    text,
    '',
    '# For the configuration:',
    'tenants:',
    `  ${tenant}:`,
    '    apiKeys:',
    `      - id: ${id}`,
    `        hash: ${hash}`,
  ].join('\n');
}
