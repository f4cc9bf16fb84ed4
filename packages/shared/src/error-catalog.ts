/** What a code stands for. `status` is the HTTP status it has where it crosses HTTP. */
export interface ErrorEntry {
  readonly status: number;
  readonly title: string;
  readonly remedy: string;
}

/** Every code a user can meet. docs/errors.md is held to this list by a test. */
export const errorCatalog = {
  MOLT_BAD_DURATION: {
    status: 400,
    title: 'Not a duration',
    remedy: 'Write a number and a unit, such as 500ms, 30s, 5m, 1h30m or 7d.',
  },
  MOLT_BAD_CONFIG: {
    status: 500,
    title: 'The configuration is wrong',
    remedy: 'Correct the lines named and run `npm run config:check`.',
  },
  MOLT_BAD_JSON: {
    status: 400,
    title: 'The body is not JSON',
    remedy: 'Send a JSON object with the header content-type: application/json.',
  },
  MOLT_BAD_REQUEST: {
    status: 400,
    title: 'The request is not valid',
    remedy: 'Correct the fields named in `errors`; /docs shows the schema.',
  },
  MOLT_BODY_TOO_LARGE: {
    status: 413,
    title: 'The body is too large',
    remedy: 'Send less, or raise gateway.bodyLimit.',
  },
  MOLT_BAD_MEDIA_TYPE: {
    status: 415,
    title: 'The media type is not supported',
    remedy: 'Send content-type: application/json.',
  },
  MOLT_NOT_FOUND: { status: 404, title: 'No such thing', remedy: 'Check the path and the id; /docs lists the paths.' },
  MOLT_RANGE: {
    status: 416,
    title: 'The range cannot be met',
    remedy: 'Ask for bytes below the length named in content-range.',
  },
  MOLT_KEY_MISSING: {
    status: 401,
    title: 'No API key',
    remedy: 'Send the header Authorization: Bearer mb_<tenant>_<id>_<secret>.',
  },
  MOLT_KEY_WRONG: {
    status: 401,
    title: 'The API key is not known',
    remedy: 'Check the key; `moltbot key new` makes one.',
  },
  MOLT_RATE_LIMITED: {
    status: 429,
    title: 'Too many requests',
    remedy: 'Wait for the seconds in Retry-After, or raise limits.requests.',
  },
  MOLT_UNKNOWN_ACTION: { status: 400, title: 'No such action', remedy: 'GET /v1/actions lists the actions.' },
  MOLT_BAD_ARGUMENTS: {
    status: 400,
    title: 'The arguments do not fit the action',
    remedy: 'GET /v1/actions shows the schema of each action.',
  },
  MOLT_BAD_SELECTOR: {
    status: 400,
    title: 'The target selector cannot be read',
    remedy: 'Write names, globs and labels: web-* env=prod !canary.',
  },
  MOLT_NO_TARGETS: {
    status: 404,
    title: 'The selector matches no target',
    remedy: 'GET /v1/targets lists the targets and their labels.',
  },
  MOLT_TOO_MANY_TARGETS: {
    status: 400,
    title: 'The selector matches too many targets',
    remedy: 'Narrow the selector, or raise limits.targetsPerTask.',
  },
  MOLT_BAD_SCHEDULE: {
    status: 400,
    title: 'The schedule cannot be understood',
    remedy: 'The message says which part is wrong, and where. docs/schedules.md has examples of each kind.',
  },
  MOLT_SCHEDULE_DECLARED: {
    status: 409,
    title: 'The schedule belongs to the configuration',
    remedy: 'Change it there, or use another id. It can be paused and run here.',
  },
  MOLT_IDEMPOTENCY_CONFLICT: {
    status: 409,
    title: 'The Idempotency-Key was used for another request',
    remedy: 'Use a new key for a new request.',
  },
  MOLT_TASK_FINAL: {
    status: 409,
    title: 'The task has ended',
    remedy: 'A final state does not change; start a new task.',
  },
  MOLT_BUS_DOWN: {
    status: 503,
    title: 'The message broker cannot take the task',
    remedy: 'Try again after the seconds in Retry-After.',
  },
  MOLT_BUS_FULL: { status: 503, title: 'The queue is full', remedy: 'Try again later, or start more executors.' },
  MOLT_NO_EXECUTOR: {
    status: 503,
    title: 'No queue leads to this pool',
    remedy: 'Start an executor for the pool named in the message.',
  },
  MOLT_STORE_DOWN: {
    status: 503,
    title: 'The state store cannot be reached',
    remedy: 'Try again after the seconds in Retry-After.',
  },
  MOLT_SHUTTING_DOWN: {
    status: 503,
    title: 'This process is stopping',
    remedy: 'Try again; another instance takes over.',
  },
  MOLT_DEADLINE: {
    status: 504,
    title: 'It took too long',
    remedy: 'Try again; if it stays, look at the health of the part named.',
  },
  MOLT_ENVELOPE: {
    status: 500,
    title: 'A message cannot be read',
    remedy: 'It is kept in the dead queue with its reason; deploy matching versions.',
  },
  MOLT_PLUGIN: {
    status: 500,
    title: 'A plugin cannot be loaded',
    remedy: 'Correct the entry in `plugins`, or remove it.',
  },
  MOLT_ACTION_FAILED: {
    status: 500,
    title: 'The action failed',
    remedy: 'The message says why; the log line with the run id has the stack.',
  },
  MOLT_BAD_DATA: {
    status: 500,
    title: 'The data that the action gave cannot be kept',
    remedy: 'The action has to give JSON of at most 64 KiB; what is more belongs into its output.',
  },
  MOLT_RUN_TIMEOUT: {
    status: 504,
    title: 'The command ran longer than its time-out',
    remedy: 'Raise `timeout`, or make the command faster.',
  },
  MOLT_RUN_IDLE: {
    status: 504,
    title: 'The command printed nothing for too long',
    remedy: 'Raise `idleTimeout`, or make the command print progress.',
  },
  MOLT_RUN_CANCELLED: { status: 409, title: 'The run was cancelled', remedy: 'Start a new task.' },
  MOLT_RUN_LOST: {
    status: 500,
    title: 'The run had started and its end cannot be learned',
    remedy: 'Look at the target; Moltbot does not start it again.',
  },
  MOLT_RUN_UNDELIVERABLE: {
    status: 500,
    title: 'The run could not be given to any executor',
    remedy: 'The dead queue holds it with its reason.',
  },
  MOLT_RUN_EXPIRED: {
    status: 504,
    title: 'The run was not started in time',
    remedy: 'Start more executors, or raise `queueTimeout` or `deadline`.',
  },
  MOLT_NO_GUARD: {
    status: 500,
    title: 'The target cannot keep a record of the command',
    remedy: 'Correct what the message names, or set `guard: off` on the target, or ask for the class at-most-once.',
  },
  MOLT_NOT_UNKNOWN: {
    status: 409,
    title: 'The run is not open to be resolved',
    remedy: 'Only a run in the state unknown that nobody has resolved can be.',
  },
  MOLT_BAD_CALLBACK: {
    status: 400,
    title: 'The callback cannot be used',
    remedy: 'Use an address that the network can be left by, or list its host in callbacks.allow.',
  },
  MOLT_CALLBACK_FAILED: {
    status: 502,
    title: 'The callback could not be delivered',
    remedy: 'Correct the receiver, then replay the dead letter.',
  },
  MOLT_UNKNOWN_CHANNEL: {
    status: 400,
    title: 'No such channel',
    remedy: 'Name a channel of your tenant under notifications.channels, or leave the choice to the routes.',
  },
  MOLT_CHAT_LIMITED: {
    status: 429,
    title: 'The chat platform takes no more at the moment',
    remedy: 'It is sent later by itself.',
  },
  MOLT_CHAT_DOWN: {
    status: 503,
    title: 'The chat platform does not answer',
    remedy: 'It is tried again by itself; look at the status page of the platform if it stays.',
  },
  MOLT_CHAT_GONE: {
    status: 410,
    title: 'The message, thread or channel is there no more',
    remedy: 'Ask again in a channel that exists.',
  },
  MOLT_CHAT_REFUSED: {
    status: 403,
    title: 'The chat platform refuses it',
    remedy: 'Give the bot what docs/platforms lists: permissions, intents, scopes.',
  },
  MOLT_CHAT_COMMAND: {
    status: 400,
    title: 'The command cannot be understood',
    remedy: 'The message says where it stops making sense; `help` shows how commands are written.',
  },
  MOLT_CHAT_UNLINKED: {
    status: 403,
    title: 'The platform user is not known here',
    remedy: 'Run `moltbot chat code <name>` with an API key, and send `link <code>` to the bot.',
  },
  MOLT_CHAT_CODE: {
    status: 403,
    title: 'The code to link an account is wrong or was used',
    remedy: 'Ask for a new one: `moltbot chat code <name>`.',
  },
  MOLT_NOTIFY_FAILED: {
    status: 502,
    title: 'The channel could not take a notification now',
    remedy: 'It is tried again by itself; look at the receiver if it stays.',
  },
  MOLT_NOTIFY_REFUSED: {
    status: 502,
    title: 'The channel refused a notification for good',
    remedy: 'Correct the channel under notifications.channels, or its receiver.',
  },
  MOLT_CANNOT_REPLAY: {
    status: 409,
    title: 'The dead letter cannot be replayed',
    remedy: 'The message says why; drop it when it is of no use.',
  },
  MOLT_SSH_UNKNOWN_HOST: {
    status: 502,
    title: 'The name of the target cannot be resolved',
    remedy: 'Correct `host` of the target, or its DNS.',
  },
  MOLT_SSH_UNREACHABLE: {
    status: 502,
    title: 'The target cannot be reached',
    remedy: 'Check that the host is up and the port open.',
  },
  MOLT_SSH_TIMEOUT: {
    status: 504,
    title: 'The connection to the target took too long',
    remedy: 'Check the route; raise connectTimeout if the host is slow.',
  },
  MOLT_SSH_REFUSED_KEY: {
    status: 502,
    title: 'The target refused our identity',
    remedy: 'Put the public key into authorized_keys of the user.',
  },
  MOLT_SSH_HOST_KEY_UNKNOWN: {
    status: 502,
    title: 'The host key of the target is not known',
    remedy: 'Compare the fingerprint with the host, then add it to known_hosts.',
  },
  MOLT_SSH_HOST_KEY_CHANGED: {
    status: 502,
    title: 'The host key of the target has changed',
    remedy: 'Stop: find out why. Only then correct known_hosts.',
  },
  MOLT_SSH_IDENTITY: {
    status: 500,
    title: 'The SSH identity cannot be used',
    remedy: 'Correct the identity of that name under ssh.identities.',
  },
  MOLT_SSH_BREAKER: {
    status: 503,
    title: 'The target failed too often just now',
    remedy: 'Wait for the seconds named; the next try is made by itself.',
  },
  MOLT_SSH_LOST: {
    status: 502,
    title: 'The connection to the target broke',
    remedy: 'If the command had started, look at the target.',
  },
  MOLT_SSH_BUSY: {
    status: 503,
    title: 'The target gave no free session in time',
    remedy: 'Raise MaxSessions on the target, or run fewer commands at once.',
  },
  MOLT_TRANSPORT: {
    status: 500,
    title: 'The transport of the target is not offered here',
    remedy: 'Use a transport the executor offers: local or ssh.',
  },
  MOLT_INTERNAL: { status: 500, title: 'Moltbot failed', remedy: 'This is a defect: report it with the trace id.' },
} as const;

export type ErrorCode = keyof typeof errorCatalog;

export const errorCodes = Object.keys(errorCatalog) as readonly ErrorCode[];
