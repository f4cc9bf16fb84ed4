/**
 * Every key and channel. `{tenant}` is the Cluster hash tag: all keys of a tenant are in one slot, so that a script may touch
 * several. Tenant ids hold no braces and no colons (TenantId), so one tenant's names cannot be another's.
 */
const of = (tenant: string): string => `mb:{${tenant}}`;

export const keys = {
  /** Hash: the task as JSON, and where it stands. */
  task: (tenant: string, taskId: string): string => `${of(tenant)}:task:${taskId}`,
  /** Hash: one run. Scripts that walk over the runs of a task add the run id to the prefix themselves. */
  run: (tenant: string, runId: string): string => `${keys.runPrefix(tenant)}${runId}`,
  runPrefix: (tenant: string): string => `${of(tenant)}:run:`,
  taskPrefix: (tenant: string): string => `${of(tenant)}:task:`,
  /** Stream of a task's events; the entry id is `<seq>-0`. */
  events: (tenant: string, taskId: string): string => `${keys.eventsPrefix(tenant)}${taskId}`,
  eventsPrefix: (tenant: string): string => `${of(tenant)}:events:`,
  /** String: the bytes of one stream of a run. */
  output: (tenant: string, runId: string, stream: 'stdout' | 'stderr'): string =>
    `${keys.outputPrefix(tenant, stream)}${runId}`,
  outputPrefix: (tenant: string, stream: 'stdout' | 'stderr'): string => `${of(tenant)}:${stream}:`,
  /** Sorted set of the positions of all tasks (listing.ts), in order of text. */
  tasks: (tenant: string): string => `${of(tenant)}:tasks`,
  /** Sorted sets of task ids: accepted and not known to be on the bus, by time of acceptance; ended, by time of end. */
  unpublished: (tenant: string): string => `${of(tenant)}:unpublished`,
  ended: (tenant: string): string => `${of(tenant)}:ended`,
  /** Sorted sets of task ids: open and with a time to start, by when to look; ended and to be answered, by time of end. */
  expiring: (tenant: string): string => `${of(tenant)}:expiring`,
  unanswered: (tenant: string): string => `${of(tenant)}:unanswered`,
  /** String: there when the reply was delivered. */
  delivered: (tenant: string, replyId: string): string => `${of(tenant)}:delivered:${replyId}`,
  /** Hash: letter id to its position, a space, and JSON. */
  deadLetters: (tenant: string): string => `${of(tenant)}:dead-letters`,
  /** Sorted set of the positions of all dead letters (listing.ts), in order of text. */
  deadLetterOrder: (tenant: string): string => `${of(tenant)}:dead-letter-order`,
  /** Hash: `json`, `added` (ms), `open` (deliveries that have not ended), and `d:<channel>`: JSON of the delivery. */
  notification: (tenant: string, id: string): string => `${keys.notificationPrefix(tenant)}${id}`,
  notificationPrefix: (tenant: string): string => `${of(tenant)}:notification:`,
  /** Sorted sets: positions of all notifications (listing.ts), in order of text; ids of those whose deliveries have ended, by time. */
  notificationOrder: (tenant: string): string => `${of(tenant)}:notification-order`,
  notificationsSettled: (tenant: string): string => `${of(tenant)}:notifications-settled`,
  /** Sorted sets by due time: `<channel> <id>` of those that wait or are held; ids of open batches. */
  deliveriesDue: (tenant: string): string => `${of(tenant)}:deliveries-due`,
  batchesDue: (tenant: string): string => `${of(tenant)}:batches-due`,
  /** Hash: channel, kind, made (ms), tries, items as JSON. */
  batch: (tenant: string, id: string): string => `${keys.batchPrefix(tenant)}${id}`,
  batchPrefix: (tenant: string): string => `${of(tenant)}:batch:`,
  /** String: epoch ms at which the group that waits is due. The script adds `<channel> <group>` to the prefix. */
  groupPrefix: (tenant: string): string => `${of(tenant)}:group:`,
  /** Hash: at (ms), repeats, batch. The scripts add `<channel> <key>` to the prefix. */
  toldPrefix: (tenant: string): string => `${of(tenant)}:told:`,
  /** Hash: one schedule, with `json`, `plan`, `source`, `by`, `created`, `updated`, `revision`, `cursor`, `active`, `failures`, `pause`, `epoch`. */
  schedule: (tenant: string, id: string): string => `${keys.schedulePrefix(tenant)}${id}`,
  schedulePrefix: (tenant: string): string => `${of(tenant)}:schedule:`,
  /** Sorted sets of schedule ids: in order of text; by the revision of the last change, the deleted ones among them. */
  schedules: (tenant: string): string => `${of(tenant)}:schedules`,
  scheduleChanges: (tenant: string): string => `${of(tenant)}:schedule-changes`,
  /** Hash: instant (epoch ms) to JSON; sorted set of the instants. */
  occurrences: (tenant: string, scheduleId: string): string => `${of(tenant)}:occurrences:${scheduleId}`,
  occurrenceOrder: (tenant: string, scheduleId: string): string => `${of(tenant)}:occurrence-order:${scheduleId}`,
  /** Sorted sets of `<instant> <schedule id>`: the open ones by due time, the others by the time of their end. */
  occurrencesOpen: (tenant: string): string => `${of(tenant)}:occurrences-open`,
  occurrencesDecided: (tenant: string): string => `${of(tenant)}:occurrences-decided`,
  /** Hash: `version` and `value`. It expires by itself. */
  record: (tenant: string, kind: string, id: string): string => `${keys.recordPrefix(tenant, kind)}${id}`,
  recordPrefix: (tenant: string, kind: string): string => `${of(tenant)}:record:${kind}:`,
  /** Sorted sets: ids of all records of a kind, in order of text; `<kind> <id>` of those that expire, by when. */
  records: (tenant: string, kind: string): string => `${keys.recordsPrefix(tenant)}${kind}`,
  recordsPrefix: (tenant: string): string => `${of(tenant)}:records:`,
  recordsExpiring: (tenant: string): string => `${of(tenant)}:records-expiring`,
  /** String: the last version that a record of the tenant was given. */
  recordVersion: (tenant: string): string => `${of(tenant)}:record-version`,
  /** String: `<request hash> <task id>`. */
  idempotency: (tenant: string, key: string): string => `${keys.idempotencyPrefix(tenant)}${key}`,
  idempotencyPrefix: (tenant: string): string => `${of(tenant)}:idempotency:`,
  /** String: epoch µs at which the bucket is full. */
  bucket: (tenant: string, bucket: string): string => `${of(tenant)}:bucket:${bucket}`,
  /** Hash: key id to JSON. */
  apiKeys: (tenant: string): string => `${of(tenant)}:api-keys`,
  /** Channel beside the sorted set of that name: the id of each task that ends, and what end-note.ts says of it. */
  endedChannel: (tenant: string): string => keys.ended(tenant),
  /** Channel: something of the task changed. */
  wake: (tenant: string, taskId: string): string => `${of(tenant)}:wake:${taskId}`,

  /** Hash of a lease that belongs to no tenant. It never expires: its epoch must survive. */
  lease: (name: string): string => `mb:lease:{${name}}`,
  /** Set of the tenants that have tasks. */
  tenants: 'mb:tenants',
} as const;
