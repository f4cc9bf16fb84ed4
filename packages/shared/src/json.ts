import { z } from 'zod';

/** What JSON can say. A member that is undefined is as one that is not there. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

export interface JsonObject {
  readonly [name: string]: JsonValue | undefined;
}

export const JsonValue: z.ZodType<JsonValue> = z.json();
