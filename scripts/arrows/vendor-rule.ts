import type { Finding } from './rules.ts';
import type { Import } from './source.ts';
import type { SourceTree } from './source-tree.ts';

const vendors =
  /^(amqplib|ioredis|node:sqlite|ssh2|fastify|prom-client|pino|yaml|croner|ical\.js|temporal-polyfill|tinyqueue|nodemailer|@marcbachmann\/.+|discord\.js|@discordjs\/.+|@fastify\/.+|@larksuiteoapi\/.+)$/;
/** Routes are typed by the framework; types load nothing. */
const typesAnywhere = /^(fastify|@fastify\/)/;

/** Each vendor SDK is imported by exactly one file of what ships. */
export function checkVendors({ files }: SourceTree): Finding[] {
  const firstUser = new Map<string, string>();
  const findings: Finding[] = [];
  for (const file of files.filter(({ zone }) => zone === 'src')) {
    for (const { vendor, line } of file.imports.flatMap(vendorImport)) {
      const first = firstUser.get(vendor) ?? file.path;
      firstUser.set(vendor, first);
      const message = `${vendor} is imported by ${first} already`;
      if (first !== file.path) findings.push({ file: file.path, line, rule: 'vendor', message });
    }
  }
  return findings;
}

function vendorImport({ specifier, typeOnly, line }: Import): { vendor: string; line: number }[] {
  const vendor = packageOf(specifier);
  return vendors.test(vendor) && !(typeOnly && typesAnywhere.test(vendor)) ? [{ vendor, line }] : [];
}

/** `ssh2/lib/x` is ssh2, `@fastify/swagger/x` is @fastify/swagger. */
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
