import { durationPattern, notificationLimits, parseDuration, severities } from '@moltbot/shared';
import type { NotificationRecord } from '@moltbot/store';
import { z } from 'zod';
import { principalOf } from '../admission.ts';
import type { App, GatewayContext } from '../context.ts';
import { placedIn } from '../placed-in.ts';
import { problemResponses } from '../problem.ts';
import { isoTime, time } from '../time.ts';

const tags = ['notifications'];

const Delivery = z.object({
  channel: z.string(),
  state: z
    .enum(['waiting', 'held', 'sending', 'sent', 'repeated', 'dead'])
    .describe(
      '`waiting` for others of its group; `held` in quiet hours; `sending`: tried, and tried again; then `sent`, `repeated` ' +
        '(counted by one that is told) or `dead` (given up).',
    ),
  tries: z.int(),
  error: z.string().optional().describe('Why the last try failed.'),
  changedAt: time,
});
const View = z.object({
  id: z.string(),
  at: time.describe('When it happened.'),
  addedAt: time.describe('When it was raised.'),
  severity: z.enum(severities),
  title: z.string(),
  text: z.string().optional(),
  fields: z.array(z.object({ name: z.string(), value: z.string() })).optional(),
  links: z.array(z.object({ title: z.string(), url: z.string() })).optional(),
  labels: z.record(z.string(), z.string()),
  deliveries: z.array(Delivery).describe('One for each channel; none: nobody is told.'),
});

const Listing = z.strictObject({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().min(1).max(600).optional().describe('From the page before.'),
});

const Test = z.strictObject({
  channel: z.string().min(1).max(128).optional().describe('Name of a channel. Default: as the routes say.'),
  severity: z.enum(severities).default('info'),
  title: z.string().trim().min(1).max(notificationLimits.title).default('Test of notifications'),
  text: z.string().max(notificationLimits.text).optional(),
  labels: z.record(z.string().min(1).max(128), z.string().max(notificationLimits.value)).default({}),
});
const Wait = z.strictObject({
  wait: z
    .string()
    .regex(durationPattern, 'write a number and a unit: 500ms, 30s, 1m')
    .default('10s')
    .transform(parseDuration)
    .describe('Longest wait for what becomes of it; longer than gateway.maxWait counts as that.'),
});

/** Look at what people were told, and try their channels. */
export function notificationRoutes(app: App, context: GatewayContext): void {
  listNotifications(app, context);
  testNotification(app, context);
}

function listNotifications(app: App, { notifications }: GatewayContext): void {
  const schema = {
    tags,
    operationId: 'listNotifications',
    summary: 'List notifications, newest first',
    description: 'With what became of each in each channel. The last page has no cursor.',
    querystring: Listing,
    response: {
      200: z
        .object({ notifications: z.array(View), cursor: z.string().optional() })
        .describe('A page of notifications.'),
      ...problemResponses,
    },
  };
  app.get('/notifications', { schema }, async (request) => {
    const page = await placedIn('/query', () => notifications.list(principalOf(request), request.query));
    return { notifications: page.notifications.map(toView), cursor: page.cursor };
  });
}

function testNotification(app: App, { notifications, traffic, config }: GatewayContext): void {
  const schema = {
    tags,
    operationId: 'testNotification',
    summary: 'Try a channel, or the routes',
    description:
      'Raises a notification that waits for nothing and is never held, and answers with what became of it: all deliveries ended or ' +
      'failed once, or `wait` is over.',
    body: Test,
    querystring: Wait,
    response: { 200: View.describe('The notification.'), ...problemResponses },
  };
  app.post('/notifications/test', { schema }, async (request, reply) => {
    const ms = Math.min(request.query.wait, config.maxWaitMs);
    const signal = traffic.wantedUntil(reply.raw, 'hurry');
    const wanted = request.body;
    return toView(await placedIn('/body', () => notifications.test(principalOf(request), wanted, { ms, signal })));
  });
}

function toView({ notification, addedAt, deliveries }: NotificationRecord): z.infer<typeof View> {
  const { id, at, severity, title, text, fields, links, labels } = notification;
  return {
    ...{ id, severity, title, labels, at: isoTime(at), addedAt: isoTime(addedAt) },
    ...(text !== undefined && { text }),
    ...(fields && { fields: [...fields] }),
    ...(links && { links: [...links] }),
    deliveries: deliveries.map(({ changedAt, ...delivery }) => ({ ...delivery, changedAt: isoTime(changedAt) })),
  };
}
