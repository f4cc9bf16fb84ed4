import type { Target } from '@moltbot/shared';
import { z } from 'zod';
import { principalOf } from '../admission.ts';
import type { App, GatewayContext } from '../context.ts';
import { placedIn } from '../placed-in.ts';
import { problemResponses } from '../problem.ts';

const TargetView = z.object({
  name: z.string(),
  labels: z.record(z.string(), z.string()),
  transport: z.enum(['local', 'ssh']),
  pool: z.string(),
  host: z.string().optional(),
  port: z.int().optional(),
  user: z.string().optional(),
});

/** What commands can run on. */
export function targetRoutes(app: App, { intake }: GatewayContext): void {
  const schema = {
    tags: ['inventory'],
    operationId: 'listTargets',
    summary: 'The targets you may use',
    querystring: z.strictObject({
      on: z.string().min(1).max(512).optional().describe('A selector, to see what a task would run on.'),
    }),
    response: {
      200: z.object({ targets: z.array(TargetView) }).describe('The targets, by name.'),
      ...problemResponses,
    },
  };
  app.get('/targets', { schema }, async (request) => ({
    targets: (await placedIn('/query', () => intake.targets(principalOf(request), request.query.on))).map(toView),
  }));
}

/** The name of the SSH identity stays inside. */
function toView(target: Target): z.infer<typeof TargetView> {
  const { name, labels, transport, pool } = target;
  const address = target.transport === 'ssh' ? { host: target.host, port: target.port, user: target.user } : {};
  return { name, labels: { ...labels }, transport, pool, ...address };
}
