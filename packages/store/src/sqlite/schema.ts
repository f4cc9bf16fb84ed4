/** The steps from an empty file to today's tables. Never change one that was released: add the next. `user_version` counts them. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE tasks (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    task TEXT NOT NULL,            -- JSON of Task
    action TEXT NOT NULL,
    accepted_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    counts TEXT NOT NULL,          -- JSON of RunCounts
    seq INTEGER NOT NULL,          -- of the last event
    published INTEGER NOT NULL,
    cancel_requested INTEGER NOT NULL,
    idempotency_key TEXT,
    finished_at INTEGER,
    PRIMARY KEY (tenant, id)
  ) STRICT;
  CREATE INDEX tasks_by_time ON tasks (tenant, accepted_at, id);
  CREATE INDEX tasks_unpublished ON tasks (tenant, accepted_at) WHERE published = 0 AND finished_at IS NULL;
  CREATE INDEX tasks_finished ON tasks (finished_at) WHERE finished_at IS NOT NULL;

  CREATE TABLE runs (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    place INTEGER NOT NULL,
    target TEXT NOT NULL,          -- JSON of Target
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    fence INTEGER NOT NULL DEFAULT 0,
    worker TEXT,
    lease_until INTEGER NOT NULL DEFAULT 0,
    exit_code INTEGER,
    signal TEXT,
    error TEXT,                    -- JSON of RunError
    truncated INTEGER NOT NULL DEFAULT 0,
    stdout_bytes INTEGER NOT NULL DEFAULT 0,
    stderr_bytes INTEGER NOT NULL DEFAULT 0,
    started_at INTEGER,
    finished_at INTEGER,
    has_output INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, id)
  ) STRICT;
  CREATE INDEX runs_by_task ON runs (tenant, task_id, place);
  CREATE INDEX runs_with_output ON runs (finished_at) WHERE has_output = 1;

  CREATE TABLE output (
    tenant TEXT NOT NULL,
    run_id TEXT NOT NULL,
    stream TEXT NOT NULL,
    until INTEGER NOT NULL,        -- offset in the stream after the last byte
    data BLOB NOT NULL,
    PRIMARY KEY (tenant, run_id, stream, until)
  ) STRICT;

  CREATE TABLE events (
    tenant TEXT NOT NULL,
    task_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    event TEXT NOT NULL,           -- JSON of TaskEvent without seq
    PRIMARY KEY (tenant, task_id, seq)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE idempotency (
    tenant TEXT NOT NULL,
    key TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    task_id TEXT NOT NULL,
    PRIMARY KEY (tenant, key)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE buckets (
    tenant TEXT NOT NULL,
    bucket TEXT NOT NULL,
    full_at INTEGER NOT NULL,      -- epoch microseconds
    PRIMARY KEY (tenant, bucket)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE leases (
    name TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    until INTEGER NOT NULL,
    epoch INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE api_keys (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
  ) STRICT;

  CREATE TABLE messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    message_id TEXT NOT NULL,
    bytes BLOB NOT NULL,
    deliveries INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL,
    reason TEXT
  ) STRICT;
  CREATE INDEX messages_by_queue ON messages (queue, seq)`,
  `
  ALTER TABLE tasks ADD COLUMN has_callback INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE tasks ADD COLUMN unanswered INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE tasks ADD COLUMN look_at INTEGER;  -- when to look for runs that were not started in time
  CREATE INDEX tasks_unanswered ON tasks (tenant, finished_at) WHERE unanswered = 1;
  CREATE INDEX tasks_expiring ON tasks (tenant, look_at) WHERE look_at IS NOT NULL;

  ALTER TABLE runs ADD COLUMN claim TEXT;        -- verdict and claim id of the claim that holds it
  ALTER TABLE runs ADD COLUMN let_go TEXT;       -- how, and under which fence, its last holder let go of it
  ALTER TABLE runs ADD COLUMN history TEXT NOT NULL DEFAULT '[]';  -- JSON of AttemptNote[]
  ALTER TABLE runs ADD COLUMN retry_at INTEGER;
  ALTER TABLE runs ADD COLUMN resolution TEXT;   -- JSON of Resolution

  CREATE TABLE delivered (
    tenant TEXT NOT NULL,
    reply_id TEXT NOT NULL,
    delivered_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, reply_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX delivered_by_time ON delivered (delivered_at);

  CREATE TABLE dead_letters (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    died_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    queue TEXT,
    kind TEXT,
    bytes BLOB NOT NULL,
    resubmitted INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
  ) STRICT;
  CREATE INDEX dead_letters_by_time ON dead_letters (tenant, died_at, id);
  CREATE INDEX dead_letters_died ON dead_letters (died_at)`,
  `
  CREATE TABLE notifications (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    notification TEXT NOT NULL,    -- JSON of Notification
    open INTEGER NOT NULL,         -- deliveries that have not ended
    settled_at INTEGER,            -- when the last of them has
    PRIMARY KEY (tenant, id)
  ) STRICT;
  CREATE INDEX notifications_by_time ON notifications (tenant, added_at, id);
  CREATE INDEX notifications_settled ON notifications (settled_at) WHERE settled_at IS NOT NULL;

  CREATE TABLE notification_deliveries (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,              -- of the notification
    channel TEXT NOT NULL,
    key TEXT NOT NULL,
    grp TEXT NOT NULL,
    urgent INTEGER NOT NULL,
    state TEXT NOT NULL,
    due_at INTEGER,                -- of those that wait or are held
    batch TEXT,
    tries INTEGER NOT NULL,
    error TEXT,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, id, channel)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX notification_deliveries_due ON notification_deliveries (tenant, due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX notification_deliveries_group ON notification_deliveries (tenant, channel, grp, due_at)
    WHERE due_at IS NOT NULL;

  CREATE TABLE notification_batches (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    channel TEXT NOT NULL,
    kind TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    items TEXT NOT NULL,           -- JSON of ids of notifications, their keys and repeats
    PRIMARY KEY (tenant, id)
  ) STRICT;
  CREATE INDEX notification_batches_due ON notification_batches (tenant, due_at);

  CREATE TABLE told (
    tenant TEXT NOT NULL,
    channel TEXT NOT NULL,
    key TEXT NOT NULL,
    at INTEGER NOT NULL,
    repeats INTEGER NOT NULL,      -- that came since and were not told
    batch TEXT NOT NULL,
    until INTEGER NOT NULL,        -- of no use from then on
    PRIMARY KEY (tenant, channel, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX told_until ON told (until)`,
  `
  CREATE TABLE schedules (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    spec TEXT NOT NULL,            -- JSON of ScheduleSpec
    plan TEXT NOT NULL,
    source TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    cursor INTEGER NOT NULL,
    active_since INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    paused TEXT,                   -- JSON of SchedulePause
    epoch INTEGER NOT NULL,        -- of the last leader that decided
    PRIMARY KEY (tenant, id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE schedule_changes (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX schedule_changes_by_revision ON schedule_changes (tenant, revision);

  CREATE TABLE occurrences (
    tenant TEXT NOT NULL,
    schedule_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    state TEXT NOT NULL,
    due INTEGER NOT NULL,
    is_open INTEGER NOT NULL,
    decided_at INTEGER NOT NULL,
    occurrence TEXT NOT NULL,      -- JSON of Occurrence
    PRIMARY KEY (tenant, schedule_id, at)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX occurrences_open ON occurrences (tenant, due, schedule_id, at) WHERE is_open = 1;
  CREATE INDEX occurrences_old ON occurrences (decided_at) WHERE is_open = 0`,
  `
  -- JSON of what the action gave.
  ALTER TABLE runs ADD COLUMN data TEXT`,
  `
  CREATE TABLE records (
    tenant TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    value TEXT NOT NULL,
    version INTEGER NOT NULL,
    until INTEGER,                 -- forgotten from then on
    PRIMARY KEY (tenant, kind, id)
  ) STRICT;
  CREATE INDEX records_until ON records (until) WHERE until IS NOT NULL;

  CREATE TABLE record_versions (
    tenant TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL       -- the last that a record of the tenant was given
  ) STRICT`,
  `
  -- Made from the message of the run, as there was no record.
  ALTER TABLE runs ADD COLUMN learned INTEGER NOT NULL DEFAULT 0`,
];
