import { z } from 'zod';
import type { App } from './context.ts';

const noParameters = z.strictObject({});

/** A route of this scope that names no query parameters takes none: a slip is said, not passed over. */
export function refuseUnknownParameters(scope: App): void {
  scope.addHook('onRoute', (route) => {
    route.schema = { ...route.schema, querystring: route.schema?.querystring ?? noParameters };
  });
}
