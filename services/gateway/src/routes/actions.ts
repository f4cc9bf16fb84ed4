import { z } from 'zod';
import type { App, GatewayContext } from '../context.ts';
import { problemResponses } from '../problem.ts';

const ActionView = z.object({
  name: z.string(),
  summary: z.string(),
  args: z.record(z.string(), z.unknown()).describe('JSON Schema of `args`.'),
  data: z.record(z.string(), z.unknown()).optional().describe('JSON Schema of `data` of its runs, if it gives any.'),
});

/** What can be done. */
export function actionRoutes(app: App, { intake }: GatewayContext): void {
  const schema = {
    tags: ['inventory'],
    operationId: 'listActions',
    summary: 'The actions of all plugins, with the schema of their arguments',
    response: { 200: z.object({ actions: z.array(ActionView) }).describe('The actions.'), ...problemResponses },
  };
  app.get('/actions', { schema }, async () => ({
    actions: intake.actions().map(({ name, summary, args, data }) => ({
      name,
      summary,
      // `any` for what JSON Schema cannot say: one odd plugin must not hide the others.
      args: z.toJSONSchema(args, { io: 'input', unrepresentable: 'any' }),
      ...(data && { data: z.toJSONSchema(data, { unrepresentable: 'any' }) }),
    })),
  }));
}
