import { createHash } from 'node:crypto';
import { finalStatesBySeverity, isFinal, isLeased, legalRunMoves, type RunState, runStates } from '@moltbot/shared';
import { endNoteLua } from '../end-note.ts';

/** A Lua script, and the name by which Redis knows it once it was sent. */
export interface Script {
  readonly lua: string;
  readonly sha1: string;
}

export const script = (lua: string): Script => ({ lua, sha1: createHash('sha1').update(lua).digest('hex') });

const openStates = runStates.filter((state) => !isFinal(state));
const leasedStates = runStates.filter(isLeased);
const anyOf = (states: readonly RunState[], test: (state: RunState) => string): string => states.map(test).join(' or ');

/** The states from which a run may move to `to`, as a script takes them: ` claimed running `. */
export const statesBefore = (to: RunState): string =>
  ` ${runStates.filter((from) => legalRunMoves[from].includes(to)).join(' ')} `;

/** Time is the server's, one value for the whole script. */
export const timeLua = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Lua would write a large number as 1.7e+12.
local function int(n) return string.format('%.0f', n) end

-- As nextFence: grows even over a store that lost its records.
local function next_fence(last) return math.max((last or 0) + 1, now) end
`;

/** Generated from the tables of the shared vocabulary, so that there is one table of moves. */
export const statesLua: string = `
local function is_final(state)
  return not (${anyOf(openStates, (state) => `state == '${state}'`)})
end

local function is_leased(state)
  return ${anyOf(leasedStates, (state) => `state == '${state}'`)}
end

-- As taskStateOf: counts holds the states that have runs.
local function task_state(counts)
  if not (${anyOf(openStates, (state) => `counts['${state}']`)}) then
    return ${finalStatesBySeverity.map((state) => `counts['${state}'] and '${state}'`).join(' or ')} or 'succeeded'
  end
  for state in pairs(counts) do
    if state ~= 'held' and state ~= 'queued' then return 'running' end
  end
  return counts['queued'] and 'queued' or 'held'
end
`;

/**
 * A task whose runs are being moved. Moves are counted and told as they are made; save_task writes the task back once.
 * Keys of every script that uses it: KEYS[2] task, [3] events, [4] ended, [5] unpublished, [6] expiring, [7] unanswered.
 * ARGV[1] channel, [2] task id.
 */
export const taskLua: string = `
local function counts_text(counts)
  local parts = {}
  for state, n in pairs(counts) do parts[#parts + 1] = state .. '=' .. n end
  return table.concat(parts, ' ')
end

local function open_task()
  local f = redis.call('HMGET', KEYS[2], 'state', 'counts', 'seq', 'due', 'callback', 'cancel')
  if not f[1] then return nil end
  local counts = {}
  for state, n in string.gmatch(f[2], '(%S+)=(%d+)') do counts[state] = tonumber(n) end
  return { state = f[1], counts = counts, seq = tonumber(f[3]), due = f[4], callback = f[5], cancel = f[6] }
end

-- seq follows the clock: after a store that lost its last second, readers still see what is new.
local function emit(task, event)
  task.seq = math.max(task.seq + 1, now)
  redis.call('XADD', KEYS[3], int(task.seq) .. '-0', 'e', '{"at":' .. int(now) .. event .. '}')
end

local function count_move(task, from, to)
  local counts = task.counts
  local left = (counts[from] or 1) - 1
  counts[from] = left > 0 and left or nil
  counts[to] = (counts[to] or 0) + 1
end

local function run_event(task, run_id, state, more)
  emit(task, ',"kind":"run","runId":"' .. run_id .. '","state":"' .. state .. '"' .. (more or ''))
end

-- Ends a run without its worker. Output of earlier attempts that is stored is kept as long as that of any run that ended.
local function end_run(task, run, from, to, error, more)
  redis.call('HSET', run.key, 'state', to, 'finished', int(now), 'error', error or '')
  local output = redis.call('HGET', run.key, 'output')
  if output then
    local kept_ms, stdout, stderr = string.match(output, '^(%S+) (%S+) (%S+)$')
    redis.call('PEXPIRE', stdout, kept_ms)
    redis.call('PEXPIRE', stderr, kept_ms)
  end
  count_move(task, from, to)
  run_event(task, run.id, to, more)
end

${endNoteLua}
local function save_task(task)
  local state = task_state(task.counts)
  if state ~= task.state then emit(task, ',"kind":"task","state":"' .. state .. '"') end
  local ends = state ~= task.state and is_final(state)
  redis.call('HSET', KEYS[2], 'state', state, 'counts', counts_text(task.counts), 'seq', int(task.seq),
    unpack(ends and { 'finished', int(now) } or {}))
  if ends then
    redis.call('ZADD', KEYS[4], int(now), ARGV[2])
    redis.call('ZREM', KEYS[5], ARGV[2])
    if task.due ~= '' then redis.call('ZREM', KEYS[6], ARGV[2]) end
    if task.callback == '1' then redis.call('ZADD', KEYS[7], int(now), ARGV[2]) end
    redis.call('PUBLISH', KEYS[4], ARGV[2] .. end_note(task))
  end
  redis.call('PUBLISH', ARGV[1], '')
  return state
end
`;
