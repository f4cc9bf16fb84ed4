import { type ErrorCode, errorCatalog } from '@moltbot/shared';
import type { ChatErrorCode, ErrorWords } from './error-words.ts';

const chineseErrors: Readonly<Record<ChatErrorCode, ErrorWords>> = {
  MOLT_CHAT_LIMITED: { title: '聊天平台暂时不再接收', remedy: '稍后会自动重发。' },
  MOLT_CHAT_DOWN: { title: '聊天平台没有响应', remedy: '会自动重试；如果一直如此，请查看平台的状态页。' },
  MOLT_CHAT_GONE: { title: '消息、话题或频道已不存在', remedy: '请在现有的频道里重新发送。' },
  MOLT_CHAT_REFUSED: {
    title: '聊天平台拒绝了请求',
    remedy: '请按 docs/platforms 中的清单为机器人授予权限、intents 和 scopes。',
  },
  MOLT_CHAT_COMMAND: { title: '无法理解这条命令', remedy: '消息里指出了从哪里开始看不懂；help 会说明命令的写法。' },
  MOLT_CHAT_UNLINKED: {
    title: '这里还不认识你的平台账号',
    remedy: '用 API key 运行 `moltbot chat code <name>`，再把 `link <code>` 发给机器人。',
  },
  MOLT_CHAT_CODE: { title: '绑定码不正确或已被使用', remedy: '请重新获取：`moltbot chat code <name>`。' },

  MOLT_UNKNOWN_ACTION: { title: '没有这个操作', remedy: '发送 actions 查看所有操作。' },
  MOLT_BAD_ARGUMENTS: { title: '参数不符合该操作的要求', remedy: '发送 help 加操作名查看它的参数。' },
  MOLT_BAD_DURATION: { title: '不是有效的时长', remedy: '请写数字加单位，例如 500ms、30s、5m、1h30m 或 7d。' },
  MOLT_BAD_REQUEST: { title: '请求无效', remedy: '请改正消息里指出的地方；help 会说明命令的写法。' },
  MOLT_BAD_SELECTOR: { title: '无法解析目标选择器', remedy: '请写名称、通配符和标签：web-* env=prod !canary。' },
  MOLT_NO_TARGETS: { title: '选择器没有匹配任何目标', remedy: '发送 targets 查看所有目标及其标签。' },
  MOLT_TOO_MANY_TARGETS: { title: '选择器匹配的目标太多', remedy: '请缩小选择范围，或调高 limits.targetsPerTask。' },
  MOLT_NOT_FOUND: { title: '找不到', remedy: '请检查编号；tasks 列出最近的任务。' },
  MOLT_RATE_LIMITED: { title: '请求过于频繁', remedy: '请稍等片刻再发送。' },
  MOLT_BAD_SCHEDULE: {
    title: '无法理解计划的写法',
    remedy: '请改正消息里指出的部分；docs/schedules.md 有每一种的例子。',
  },
  MOLT_SCHEDULE_DECLARED: { title: '该计划属于配置', remedy: '请在配置里修改它；在这里可以暂停和运行它。' },
  MOLT_IDEMPOTENCY_CONFLICT: {
    title: '同一个 Idempotency-Key 已用于另一个请求',
    remedy: '请把命令作为新消息再发一次。',
  },
  MOLT_TASK_FINAL: { title: '任务已经结束', remedy: '结果不能再改变；rerun 会用它新建一个任务。' },
  MOLT_BUS_DOWN: { title: '消息代理无法接收任务', remedy: '没有执行任何内容，请一分钟后再发送。' },
  MOLT_BUS_FULL: { title: '队列已满', remedy: '没有执行任何内容。请稍后再发送，或增加执行器。' },
  MOLT_STORE_DOWN: { title: '无法访问状态存储', remedy: '请一分钟后再发送。' },
  MOLT_NO_EXECUTOR: { title: '没有通向该池的队列', remedy: '请为消息中指出的池启动执行器。' },
  MOLT_SHUTTING_DOWN: { title: '该进程正在停止', remedy: '请再试一次，另一个实例会接手。' },
  MOLT_DEADLINE: { title: '耗时过长', remedy: '请再试一次；如果一直如此，请检查所指部分的健康状况。' },

  MOLT_ACTION_FAILED: { title: '操作失败', remedy: '消息里说明了原因；带有运行编号的日志里有调用栈。' },
  MOLT_BAD_DATA: { title: '操作返回的数据无法保存', remedy: '操作必须返回不超过 64 KiB 的 JSON，其余内容请写入输出。' },
  MOLT_RUN_TIMEOUT: { title: '命令运行超过了时限', remedy: '请调高 `timeout`，或让命令更快。' },
  MOLT_RUN_IDLE: { title: '命令太久没有输出', remedy: '请调高 `idleTimeout`，或让命令输出进度。' },
  MOLT_RUN_CANCELLED: { title: '运行已取消', remedy: '需要的话请新建任务。' },
  MOLT_RUN_LOST: { title: '运行已经开始，但无法得知结果', remedy: '请查看目标主机；Moltbot 不会再次启动它。' },
  MOLT_RUN_UNDELIVERABLE: { title: '运行无法交给任何执行器', remedy: '它和原因保存在死信队列里。' },
  MOLT_RUN_EXPIRED: { title: '运行没有及时开始', remedy: '请增加执行器，或调高 `queueTimeout` 或 `deadline`。' },
  MOLT_NO_GUARD: {
    title: '目标无法保存命令的记录',
    remedy: '请改正消息里指出的地方，或为目标设置 `guard: off`，或使用 at-most-once 类别。',
  },
  MOLT_TRANSPORT: { title: '这里不提供该目标的传输方式', remedy: '请使用执行器提供的传输方式：local 或 ssh。' },
  MOLT_INTERNAL: { title: 'Moltbot 出错了', remedy: '这是缺陷，请附上 trace id 报告。' },

  MOLT_SSH_UNKNOWN_HOST: { title: '无法解析目标的主机名', remedy: '请改正目标的 `host`，或检查 DNS。' },
  MOLT_SSH_UNREACHABLE: { title: '无法连接目标', remedy: '请确认主机在线且端口开放。' },
  MOLT_SSH_TIMEOUT: { title: '连接目标耗时过长', remedy: '请检查网络路径；主机较慢时请调高 connectTimeout。' },
  MOLT_SSH_REFUSED_KEY: { title: '目标拒绝了我们的身份', remedy: '请把公钥加入该用户的 authorized_keys。' },
  MOLT_SSH_HOST_KEY_UNKNOWN: { title: '目标的主机密钥未知', remedy: '请与主机核对指纹，然后加入 known_hosts。' },
  MOLT_SSH_HOST_KEY_CHANGED: {
    title: '目标的主机密钥已改变',
    remedy: '请先停下来查明原因，然后才能修改 known_hosts。',
  },
  MOLT_SSH_IDENTITY: { title: 'SSH 身份无法使用', remedy: '请改正 ssh.identities 下同名的身份。' },
  MOLT_SSH_BREAKER: { title: '目标刚才失败次数过多', remedy: '请等待所示的秒数，之后会自动重试。' },
  MOLT_SSH_LOST: { title: '与目标的连接中断', remedy: '如果命令已经开始，请查看目标主机。' },
  MOLT_SSH_BUSY: { title: '目标没有及时给出空闲会话', remedy: '请调高目标的 MaxSessions，或减少同时运行的命令。' },
};

const known: Readonly<Partial<Record<ErrorCode, ErrorWords>>> = chineseErrors;

export const chineseErrorOf = (code: ErrorCode): ErrorWords => known[code] ?? errorCatalog[code];
