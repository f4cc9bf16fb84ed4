import { type Script, script, timeLua } from './common.ts';

/** Deliveries are JSON in the hash of their notification. Names of channels hold no space, so the first one ends them. */
const deliveryLua = `
local function read_delivery(key, channel)
  local text = redis.call('HGET', key, 'd:' .. channel)
  return text and cjson.decode(text)
end

local function write_delivery(key, channel, delivery)
  delivery.changed = int(now)
  redis.call('HSET', key, 'd:' .. channel, cjson.encode(delivery))
end

-- One more of the deliveries of a notification has come to its end.
local function settle_one(settled, key, id)
  if redis.call('HINCRBY', key, 'open', -1) == 0 then redis.call('ZADD', settled, int(now), id) end
end
`;

/**
 * KEYS notification, order, due, settled.
 * ARGV id, JSON, group prefix, then for each delivery: channel, key, group, delay (ms), urgent. Returns 1 when it is new.
 */
const add = script(`${timeLua}${deliveryLua}
if redis.call('HSETNX', KEYS[1], 'json', ARGV[2]) == 0 then return 0 end
local count = (#ARGV - 3) / 5
redis.call('HSET', KEYS[1], 'added', int(now), 'open', count)
redis.call('ZADD', KEYS[2], 0, string.format('%016.0f', now) .. ':' .. ARGV[1])
if count == 0 then redis.call('ZADD', KEYS[4], int(now), ARGV[1]) end
for i = 4, #ARGV, 5 do
  local channel, delay = ARGV[i], tonumber(ARGV[i + 3])
  local group = ARGV[3] .. channel .. ' ' .. ARGV[i + 2]
  local due = now + delay
  local joined = tonumber(redis.call('GET', group) or 0)
  if joined > now and joined < due then due = joined end
  if due > now then redis.call('SET', group, int(due), 'PX', int(due - now)) end
  redis.call('ZADD', KEYS[3], int(due), channel .. ' ' .. ARGV[1])
  write_delivery(KEYS[1], channel, {
    state = 'waiting', key = ARGV[i + 1], group = ARGV[i + 2], urgent = ARGV[i + 4], tries = 0
  })
end
return 1
`);

/** KEYS due. ARGV limit, notification prefix. Returns channel, JSON of the delivery, JSON of the notification of each. */
const due = script(`${timeLua}
local found = {}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', int(now), 'LIMIT', 0, ARGV[1])) do
  local channel, id = string.match(member, '^(%S+) (.*)$')
  local fields = redis.call('HMGET', ARGV[2] .. id, 'd:' .. channel, 'json')
  if fields[1] and fields[2] then
    found[#found + 1] = channel
    found[#found + 1] = fields[1]
    found[#found + 1] = fields[2]
  else
    redis.call('ZREM', KEYS[1], member)
  end
end
return found
`);

/** KEYS due. ARGV notification prefix, channel, delay (ms), then ids. */
const hold = script(`${timeLua}${deliveryLua}
for i = 4, #ARGV do
  local member, key = ARGV[2] .. ' ' .. ARGV[i], ARGV[1] .. ARGV[i]
  local delivery = redis.call('ZSCORE', KEYS[1], member) and read_delivery(key, ARGV[2])
  if delivery then
    redis.call('ZADD', KEYS[1], int(now + ARGV[3]), member)
    delivery.state = 'held'
    write_delivery(key, ARGV[2], delivery)
  end
end
return 1
`);

/**
 * KEYS due, batches due, batch, settled. ARGV notification prefix, told prefix, batch id, channel, kind, repeat after (ms), then for
 * each matter: key, number of ids, ids. Returns the number of items.
 */
const gather = script(`${timeLua}${deliveryLua}
local channel, repeat_after = ARGV[4], tonumber(ARGV[6])

local function take(id, state)
  if redis.call('ZREM', KEYS[1], channel .. ' ' .. id) == 0 then return false end
  local key = ARGV[1] .. id
  local delivery = read_delivery(key, channel)
  if not delivery then return false end
  delivery.state = state
  write_delivery(key, channel, delivery)
  if state == 'repeated' then settle_one(KEYS[4], key, id) end
  return true
end

local items = {}
local at = 7
while at <= #ARGV do
  local key, last = ARGV[at], at + 1 + ARGV[at + 1]
  local told_key = ARGV[2] .. channel .. ' ' .. key
  local told = redis.call('HMGET', told_key, 'at', 'repeats')
  local is_repeated = repeat_after > 0 and told[1] and now < told[1] + repeat_after
  local first
  local repeated = 0
  for i = at + 2, last do
    if not first and not is_repeated then
      if take(ARGV[i], 'sending') then first = ARGV[i] end
    elseif take(ARGV[i], 'repeated') then
      repeated = repeated + 1
    end
  end
  if first then
    items[#items + 1] = { id = first, key = key, repeats = repeated + (tonumber(told[2] or 0)) }
    if repeat_after > 0 then
      redis.call('HSET', told_key, 'at', int(now), 'repeats', 0, 'batch', ARGV[3])
      redis.call('PEXPIRE', told_key, int(2 * repeat_after))
    end
  elseif repeated > 0 and told[1] then
    redis.call('HINCRBY', told_key, 'repeats', repeated)
  end
  at = last + 1
end
if #items == 0 then return 0 end
redis.call('HSET', KEYS[3], 'channel', channel, 'kind', ARGV[5], 'made', int(now), 'tries', 0, 'items', cjson.encode(items))
redis.call('ZADD', KEYS[2], int(now), ARGV[3])
return #items
`);

/**
 * KEYS batches due. ARGV limit, batch prefix, notification prefix. Returns of each batch: id, channel, kind, made, tries, and
 * a list of repeats and JSON of each notification.
 */
const dueBatches = script(`${timeLua}
local found = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', int(now), 'LIMIT', 0, ARGV[1])) do
  local f = redis.call('HMGET', ARGV[2] .. id, 'channel', 'kind', 'made', 'tries', 'items')
  if f[1] then
    local items = {}
    for _, item in ipairs(cjson.decode(f[5])) do
      local json = redis.call('HGET', ARGV[3] .. item.id, 'json')
      if json then
        items[#items + 1] = int(item.repeats)
        items[#items + 1] = json
      end
    end
    found[#found + 1] = { id, f[1], f[2], f[3], f[4], items }
  else
    redis.call('ZREM', KEYS[1], id)
  end
end
return found
`);

/**
 * KEYS batch, batches due, settled. ARGV notification prefix, told prefix, batch id, how it ended, error, delay (ms).
 * Returns 1 when it was open.
 */
const settle = script(`${timeLua}${deliveryLua}
local f = redis.call('HMGET', KEYS[1], 'channel', 'tries', 'items')
local channel = f[1]
if not channel then return 0 end
local how = ARGV[4]
for _, item in ipairs(cjson.decode(f[3])) do
  local key = ARGV[1] .. item.id
  local delivery = read_delivery(key, channel)
  if delivery then
    delivery.state = how == 'retry' and 'sending' or how
    delivery.tries = f[2] + 1
    delivery.error = how ~= 'sent' and ARGV[5] or nil
    write_delivery(key, channel, delivery)
    if how ~= 'retry' then settle_one(KEYS[3], key, item.id) end
  end
  -- Nobody was told: the next of this matter is, and counts this one.
  local told_key = ARGV[2] .. channel .. ' ' .. item.key
  if how == 'dead' and redis.call('HGET', told_key, 'batch') == ARGV[3] then
    redis.call('HSET', told_key, 'at', 0)
    redis.call('HINCRBY', told_key, 'repeats', item.repeats + 1)
  end
end
if how == 'retry' then
  redis.call('HINCRBY', KEYS[1], 'tries', 1)
  redis.call('ZADD', KEYS[2], int(now + ARGV[6]), ARGV[3])
else
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[3])
end
return 1
`);

/** KEYS order. ARGV below, limit, length of a time in a position, notification prefix. Returns position and fields of each, newest first. */
const list = script(`
local found = {}
for _, position in ipairs(redis.call('ZREVRANGEBYLEX', KEYS[1], ARGV[1], '-', 'LIMIT', 0, ARGV[2])) do
  local fields = redis.call('HGETALL', ARGV[4] .. string.sub(position, ARGV[3] + 1))
  if #fields > 0 then found[#found + 1] = { position, fields } end
end
return found
`);

/** KEYS settled, order. ARGV kept for (ms), limit, notification prefix. */
const expire = script(`${timeLua}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', int(now - ARGV[1]), 'LIMIT', 0, ARGV[2])) do
  local added = tonumber(redis.call('HGET', ARGV[3] .. id, 'added') or 0)
  redis.call('ZREM', KEYS[2], string.format('%016.0f', added) .. ':' .. id)
  redis.call('DEL', ARGV[3] .. id)
  redis.call('ZREM', KEYS[1], id)
end
return 1
`);

export const notificationScripts: Readonly<
  Record<'add' | 'due' | 'hold' | 'gather' | 'dueBatches' | 'settle' | 'list' | 'expire', Script>
> = { add, due, hold, gather, dueBatches, settle, list, expire };
