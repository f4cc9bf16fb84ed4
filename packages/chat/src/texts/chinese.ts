import type { ErrorCode } from '@moltbot/shared';
import { chineseErrorOf } from './chinese-errors.ts';
import { chineseSchedules } from './chinese-schedules.ts';
import { chineseOr, chineseSentence } from './chinese-sentences.ts';
import type { Texts } from './english.ts';
import type { ErrorWords } from './error-words.ts';

const durationIn = (ms: number): string => {
  if (ms < 1_000) return `${Math.round(ms)} 毫秒`;
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} 秒`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} 秒`;
  if (seconds < 3_600) return seconds % 60 === 0 ? `${seconds / 60} 分钟` : two(seconds, 60, '分', '秒');
  const minutes = Math.round(seconds / 60);
  return minutes < 1_440 ? two(minutes, 60, '小时', '分') : two(Math.round(minutes / 60), 24, '天', '小时');
};

const two = (count: number, per: number, large: string, small: string): string => {
  const rest = count % per;
  return `${Math.floor(count / per)} ${large}${rest === 0 ? '' : ` ${rest} ${small}`}`;
};

/** What the bot says in 简体中文. */
export const chinese: Texts = {
  states: {
    held: '等待批准',
    queued: '排队中',
    claimed: '正在启动',
    running: '运行中',
    succeeded: '成功',
    failed: '失败',
    'timed-out': '超时',
    cancelled: '已取消',
    unknown: '结果未知',
    undeliverable: '无法投递',
    expired: '已过期',
  },
  buttons: {
    cancel: '取消',
    rerun: '重新运行',
    rerunFailed: '重跑失败项',
    details: '详情',
    runNow: '立即运行',
    dismiss: '忽略',
    approve: '批准',
    reject: '拒绝',
    acknowledge: '确认',
    silence: '静默',
    runRemedy: '执行修复',
    pause: '暂停',
    resume: '恢复',
  },
  severities: { info: '信息', warning: '警告', error: '错误', critical: '严重' },
  duration: durationIn,
  facts: (facts) => facts.join(' · '),
  names: (names, more) => (more > 0 ? `${names.join('、')} 等` : names.join('、')),
  labelled: (label, text) => `${label}：${text}`,

  task: {
    title: (what, on) => `${what} → ${on}`,
    footer: (id) => `任务 ${id}`,
    cancelling: '正在取消',
    since: (state, duration) => `${state}，已 ${duration}`,
    exitCode: (code) => `退出码 ${code}`,
    signal: (name) => `被信号 ${name} 终止`,
    attempt: (attempt) => `第 ${attempt} 次尝试`,
    retries: (attempt) => `即将进行第 ${attempt} 次尝试`,
    held: '有权限的人批准后才会开始。',
    isUnknown: '它已经开始，但无法得知如何结束。它不会被自动再次启动。',
    resolve: (run) => `需要有人查看主机，然后说明结果：moltbot task resolve ${run} --done，或 --rerun。`,
    resolved: (as, by) => (as === 'done' ? `${by} 已处理：无需再做什么。` : `${by} 已处理：已重新运行。`),
    noOutput: '没有输出。',
    outputInFile: '完整输出见文件。',
    outputComesAsFile: '以上是最后几行；完整输出将以文件发送。',
    dropped: '输出超过了保留上限，其余部分已丢弃。',
    data: '数据',
  },

  hosts: (count) => `${count} 台主机`,
  stateCount: (state, count) => `${state} ${count}`,
  groups: {
    head: ['主机', '结果', '输出'],
    result: (state, exitCode) => `${state}，退出码 ${exitCode}`,
    rest: (hosts) => `另有 ${hosts}`,
    output: (hosts, result) => `${hosts}：${result}`,
    notListed: (count) => `另有 ${count} 次运行未在此列出。`,
  },
  details: {
    title: (task) => `详情：${task}`,
    page: (page, pages) => `第 ${page} 页，共 ${pages} 页`,
    head: ['主机', '状态', '退出码', '用时'],
    more: (count) => `另有 ${count} 次运行未显示。`,
    exit: (code, signal) => (code !== undefined ? `${code}` : (signal ?? '–')),
    none: '没有可显示的运行。',
  },

  help: {
    title: '我能理解的命令',
    topic: (verb) => `帮助：${verb}`,
    unknownTopic: (topic) => `没有关于“${topic}”的帮助。`,
    intro: '可以直接给我发消息，或在频道里提及我。',
    more: 'help <命令> 显示更多说明。',
    options: '选项',
    required: '带 * 的必须填写。',
  },
  lists: {
    actions: (count) => `${count} 个操作`,
    actionsHint: 'help <操作> 显示它的参数。',
    targets: (count) => `${count} 个目标`,
    targetsOn: (count, on) => `${on} 匹配 ${count} 个目标`,
    targetsHead: ['名称', '池', '标签'],
    tasks: '最近的任务',
    tasksHead: ['任务', '内容', '状态', '受理时间'],
    ago: (duration) => `${duration}前`,
    more: (count) => `另有 ${count} 个。`,
    none: '没有可显示的内容。',
  },

  who: {
    title: '你在这里的身份',
    account: '账号',
    principal: '名称',
    tenant: '租户',
    language: '语言',
    roles: '角色',
    notLinked: '未绑定',
    howToLink: '请向运维人员要一个绑定码（moltbot chat code <name>），或用你的 API key 生成，然后发送：link <code>',
  },
  link: {
    linked: (principal) => `从现在起，你在这里是 ${principal}。`,
    unlinked: '你的账号已解除绑定。',
    wasNotLinked: '你的账号原本就没有绑定。',
    inPrivate: '请通过私信发送绑定码：在频道里别人也能看到。',
  },
  language: { name: '简体中文', switched: '从现在起我用简体中文和你交流。' },

  questions: {
    stale: (duration) => `这是 ${duration}前发送的：现在运行吗？`,
    staleWhy: '当时我没能接收，而情况可能已经变化。',
    confirm: '要运行吗？',
    approval: '需要批准',
    action: '操作',
    targets: '目标',
    asker: '请求者',
    until: (duration) => `如果 ${duration}内没有决定，就不会运行。`,
    decided: {
      run: (by) => `${by} 已运行`,
      dismiss: (by) => `${by} 已忽略`,
      approve: (by) => `${by} 已批准`,
      reject: (by) => `${by} 已拒绝`,
      expire: '无人及时决定，因此没有运行。要再次请求，请重新发送命令。',
    },
    notAll: (characters) => `这里没有显示全部内容：后面还有 ${characters} 个字符。`,
    remedyNotRun: '已经要求执行修复，但 Moltbot 在运行之前停止了，因此没有运行。请用命令运行它。',
    notYours: '这不由你决定。',
    notRun: '已经做了决定，但 Moltbot 在运行之前停止了，因此没有运行。请重新发送命令。',
    alreadyDecided: (by) => `${by} 已经做了决定。`,
  },
  done: {
    cancelling: '正在取消。',
    ended: '任务已经结束。',
    acknowledged: (by) => `${by} 已确认`,
    silenced: (by) => `${by} 已静默`,
    remedyRun: (by) => `${by} 已启动修复`,
  },
  schedules: chineseSchedules,
  notification: {
    title: (severity, title) => `${severity}：${title}`,
    digest: (count) => `静默期间有 ${count} 条消息`,
    several: (count) => `${count} 条消息`,
    repeats: (count) => `同样的情况又出现了 ${count} 次。`,
    head: ['#', '级别', '内容', '时间'],
    times: (title, times) => `${title}（×${times}）`,
    numbered: (number, title) => `${number}：${title}`,
    more: (count) => `另有 ${count} 条未显示。`,
  },
  errorLine: (title, message, code) => `${title}：${message}（${code}）`,
  errorOf: (code: ErrorCode): ErrorWords => chineseErrorOf(code),
  sentence: chineseOr,
  exactRemedy: (usual, english) => chineseSentence(english) ?? `${usual}（原文：${english}）`,
  internal: '发生了不应发生的错误，原因在日志里。',
};
