import { z } from 'zod';

export interface Operation {
  readonly responses: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

export interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly [field: string]: unknown;
}

const Document: z.ZodType<Document> = z.looseObject({
  openapi: z.string(),
  paths: z.record(z.string(), z.record(z.string(), z.looseObject({ responses: z.record(z.string(), z.unknown()) }))),
});

const Answer = z.looseObject({
  description: z.string(),
  content: z.record(z.string(), z.looseObject({ schema: z.looseObject({}) })).optional(),
});

let known: Promise<Document> | undefined;

/** The OpenAPI document, read once from the first gateway of this test file: it is the same for all. */
export function documentOf(url: string): Promise<Document> {
  known ??= fetch(`${url}/docs/json`).then(async (got) => Document.parse(await got.json()));
  return known;
}

/** Throws when an answer of a documented path has a status, a type or a body that the document does not know. */
export async function checkDocumented(url: string, method: string, path: string, response: Response): Promise<void> {
  const document = await documentOf(url);
  const bare = path.split('?', 1)[0] ?? '';
  const template = Object.keys(document.paths).find((each) => toPattern(each).test(bare));
  const operation = template === undefined ? undefined : document.paths[template]?.[method.toLowerCase()];
  if (!operation) return;
  const { status } = response;
  const said = operation.responses[status] ?? operation.responses[`${Math.floor(status / 100)}XX`];
  const where = `${method} ${path} → ${status}`;
  if (said === undefined) throw new Error(`${where} is not documented`);
  const type = response.headers.get('content-type')?.split(';', 1)[0] ?? '';
  const content = Answer.parse(said).content?.[type];
  if (!content) throw new Error(`${where}: ${type} is not documented`);
  if (!type.endsWith('json')) return;
  const parsed = z
    .fromJSONSchema(content.schema as z.core.JSONSchema.JSONSchema)
    .safeParse(await response.clone().json());
  if (!parsed.success) throw new Error(`${where}: ${z.prettifyError(parsed.error)}`);
}

const toPattern = (template: string): RegExp => new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`);
