import { localTime, type Planned } from '@moltbot/schedules';
import {
  Name,
  type Occurrence,
  occurrenceStates,
  type Principal,
  type ScheduleRecord,
  ScheduleSpec,
  taskStates,
} from '@moltbot/shared';
import { z } from 'zod';
import { principalOf } from '../admission.ts';
import type { App, GatewayContext } from '../context.ts';
import { placedIn } from '../placed-in.ts';
import { problemResponses } from '../problem.ts';
import { isoTime, time } from '../time.ts';

const tags = ['schedules'];
const ScheduleView = z.object({
  id: z.string(),
  source: z.enum(['config', 'api']).describe('What a configuration declares is changed there.'),
  spec: ScheduleSpec,
  createdBy: z.string(),
  createdAt: time,
  updatedAt: time,
  decidedUntil: time.describe('Every instant up to this one has its end.'),
  failures: z.int().describe('Tasks in a row that did not succeed.'),
  paused: z.object({ why: z.enum(['operator', 'failures']), by: z.string(), at: time }).optional(),
});

const OccurrenceView = z.object({
  instant: time.describe('The planned instant; of many, the first.'),
  kind: z.enum(['planned', 'manual', 'backfill']),
  state: z.enum(occurrenceStates as ['fired']).describe('waiting and firing come to one of fired, skipped and missed.'),
  reason: z.string().optional().describe('Why it was not fired.'),
  note: z.string().optional(),
  count: z.int().optional().describe('It stands for so many instants, up to `until`.'),
  until: time.optional(),
  task: z.string().optional(),
  due: time.describe('The instant and its jitter.'),
  decidedAt: time,
  firedAt: time.optional(),
  outcome: z
    .enum(taskStates as ['succeeded'])
    .optional()
    .describe('How its task ended.'),
});

const PlannedView = z.object({
  utc: time,
  local: z.string().describe('What clocks show in the zone of the schedule.'),
  due: time.describe('The instant and its jitter.'),
  skip: z.string().optional().describe('Why it is not run: `dst-gap`, `dst-fold`, `calendar: holidays`.'),
});

const Params: z.ZodType<{ readonly id: string }, { readonly id: string }> = z.object({
  id: Name.describe('Id of a schedule.'),
});
const Instant = z.iso.datetime({ offset: true, error: 'write an ISO-8601 time such as 2026-01-31T08:00:00Z' });
const Count = z.coerce.number().int().min(1).max(100).default(10).describe('How many.');
const cursor = z.string().min(1).max(512).optional().describe('From the page before.');
const limit = z.coerce.number().int().min(1).max(200).default(50);
const States = z
  .union([z.string(), z.array(z.string())])
  .transform((given) => [given].flat().flatMap((list) => list.split(',')))
  .pipe(z.array(z.enum(occurrenceStates as [string, ...string[]] as ['fired'])));

/** Make, look at, pause, run and fill in schedules. */
export function scheduleRoutes(app: App, context: GatewayContext): void {
  keepSchedules(app, context);
  steerSchedules(app, context);
  showInstants(app, context);
}

function keepSchedules(app: App, { schedules }: GatewayContext): void {
  const response = { 200: ScheduleView.describe('The schedule.'), ...problemResponses };
  const list = {
    ...{ tags, operationId: 'listSchedules', summary: 'List schedules by id' },
    querystring: z.strictObject({ limit, cursor }),
    response: {
      200: z
        .object({ schedules: z.array(ScheduleView), cursor: z.string().optional() })
        .describe('A page of schedules.'),
      ...problemResponses,
    },
  };
  app.get('/schedules', { schema: list }, async (request) => {
    const page = await schedules.list(principalOf(request), request.query);
    return { ...page, schedules: page.schedules.map(toScheduleView) };
  });
  const get = { ...{ tags, operationId: 'getSchedule', summary: 'A schedule' }, params: Params, response };
  app.get('/schedules/:id', { schema: get }, async (request) =>
    toScheduleView(await schedules.get(principalOf(request), request.params.id)),
  );
  const put = {
    ...{ tags, operationId: 'putSchedule', summary: 'Make a schedule, or replace it' },
    ...{ params: Params, body: ScheduleSpec },
    response: { ...response, 201: ScheduleView.describe('It is new.') },
  };
  app.put('/schedules/:id', { schema: put }, async (request, reply) => {
    const { record, created } = await placedIn('/body', () =>
      schedules.put(principalOf(request), request.params.id, request.body),
    );
    return reply.code(created ? 201 : 200).send(toScheduleView(record));
  });
  const drop = {
    ...{ tags, operationId: 'deleteSchedule', summary: 'Delete a schedule', params: Params },
    description: 'What became of its instants stays readable.',
    response: { 200: z.object({ id: z.string() }).describe('It is deleted.'), ...problemResponses },
  };
  app.delete('/schedules/:id', { schema: drop }, async (request) => {
    await schedules.drop(principalOf(request), request.params.id);
    return { id: request.params.id };
  });
}

function steerSchedules(app: App, { schedules }: GatewayContext): void {
  const steer = (verb: 'pause' | 'resume', summary: string): void => {
    const schema = {
      ...{ tags, operationId: `${verb}Schedule`, summary, params: Params },
      response: { 200: ScheduleView.describe('The schedule.'), ...problemResponses },
    };
    app.post(`/schedules/:id/${verb}`, { schema }, async (request) =>
      toScheduleView(await schedules[verb](principalOf(request), (request.params as { id: string }).id)),
    );
  };
  steer('pause', 'Pause a schedule');
  steer('resume', 'Resume a paused schedule');
  const run = {
    ...{ tags, operationId: 'runSchedule', summary: 'Run a schedule once, now' },
    description: 'Beside its plan, whatever else runs; also while it is paused.',
    params: Params,
    response: { 202: OccurrenceView.describe('It is on its way.'), ...problemResponses },
  };
  app.post('/schedules/:id/run', { schema: run }, async (request, reply) =>
    reply.code(202).send(toOccurrenceView(await schedules.run(principalOf(request), request.params.id))),
  );
  const backfill = {
    ...{ tags, operationId: 'backfillSchedule', summary: 'Run instants of the past that were not run' },
    description:
      'Those that were missed or skipped, or lie before the schedule was made; one after another unless it allows overlap.',
    params: Params,
    body: z.strictObject({ from: Instant.describe('First instant.'), to: Instant.describe('Last instant.') }),
    response: { 202: z.object({ occurrences: z.int() }).describe('So many are on their way.'), ...problemResponses },
  };
  app.post('/schedules/:id/backfill', { schema: backfill }, async (request, reply) => {
    const stretch = { from: Date.parse(request.body.from), to: Date.parse(request.body.to) };
    const occurrences = await placedIn('/body', () =>
      schedules.backfill(principalOf(request), request.params.id, stretch),
    );
    return reply.code(202).send({ occurrences });
  });
}

function showInstants(app: App, { schedules }: GatewayContext): void {
  const instants = z
    .object({ next: z.array(PlannedView) })
    .describe('Instants, in the zone of the schedule and in UTC.');
  const next = {
    ...{ tags, operationId: 'nextOfSchedule', summary: 'The next instants of a schedule' },
    ...{ params: Params, querystring: z.strictObject({ count: Count }) },
    response: { 200: instants, ...problemResponses },
  };
  app.get('/schedules/:id/next', { schema: next }, async (request) => {
    const principal: Principal = principalOf(request);
    const { spec } = await schedules.get(principal, request.params.id);
    const planned = await schedules.next(principal, request.params.id, request.query.count);
    return { next: planned.map((each) => toPlannedView(each, spec.timezone)) };
  });
  const preview = {
    ...{ tags, operationId: 'previewSchedule', summary: 'The next instants of a schedule that is not made' },
    ...{ body: ScheduleSpec, querystring: z.strictObject({ count: Count }) },
    response: { 200: instants, ...problemResponses },
  };
  app.post('/schedules/preview', { schema: preview }, async (request) => {
    const planned = await placedIn('/body', async () => schedules.preview(request.body, request.query.count));
    return { next: planned.map((each) => toPlannedView(each, request.body.timezone)) };
  });
  const history = {
    ...{ tags, operationId: 'listOccurrences', summary: 'What became of the instants of a schedule, newest first' },
    description: 'A page can be short and still have a cursor; the last page has none.',
    params: Params,
    querystring: z.strictObject({
      state: States.optional().describe('One or more states, repeated or with commas between.'),
      since: Instant.transform(Date.parse).optional().describe('Planned at this time or later.'),
      until: Instant.transform(Date.parse).optional().describe('Planned before this time.'),
      ...{ limit, cursor },
    }),
    response: {
      200: z
        .object({ occurrences: z.array(OccurrenceView), cursor: z.string().optional() })
        .describe('A page of occurrences.'),
      ...problemResponses,
    },
  };
  app.get('/schedules/:id/occurrences', { schema: history }, async (request) => {
    const { state: states, ...query } = request.query;
    const page = await schedules.occurrences(principalOf(request), request.params.id, { ...query, states });
    return { ...page, occurrences: page.occurrences.map(toOccurrenceView) };
  });
}

const toScheduleView = ({
  tenant: _tenant,
  revision: _revision,
  ...record
}: ScheduleRecord): z.infer<typeof ScheduleView> => ({
  ...{
    id: record.id,
    source: record.source,
    spec: record.spec,
    createdBy: record.createdBy,
    failures: record.failures,
  },
  ...{
    createdAt: isoTime(record.createdAt),
    updatedAt: isoTime(record.updatedAt),
    decidedUntil: isoTime(record.cursor),
  },
  ...(record.paused && { paused: { ...record.paused, at: isoTime(record.paused.at) } }),
});

function toOccurrenceView(occurrence: Occurrence): z.infer<typeof OccurrenceView> {
  const { at, kind, state, reason, note, count, until, taskId, due, decidedAt, firedAt, outcome } = occurrence;
  return {
    ...{ instant: isoTime(at), kind, state: state as 'fired', due: isoTime(due), decidedAt: isoTime(decidedAt) },
    ...{ reason, note, count, task: taskId, outcome: outcome as 'succeeded' | undefined },
    ...(until !== undefined && { until: isoTime(until) }),
    ...(firedAt !== undefined && { firedAt: isoTime(firedAt) }),
  };
}

function toPlannedView({ at, due, skip }: Planned, timezone: string): z.infer<typeof PlannedView> {
  return {
    ...{ utc: isoTime(at), local: localTime(at, timezone), due: isoTime(due) },
    ...(skip && { skip: skip.note === undefined ? skip.reason : `${skip.reason}: ${skip.note}` }),
  };
}
