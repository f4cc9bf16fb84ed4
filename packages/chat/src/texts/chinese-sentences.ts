/** A sentence in English, whole, and the same in Chinese; what is in brackets there is handed over, `undefined` where nothing matched. */
type Row = readonly [RegExp, (...parts: readonly string[]) => string | undefined];

/** Characters. None of ours is longer; a sentence can hold many others, and each costs. */
const longest = 2_000;

/**
 * What an error says, in Chinese. What is data in it stays as it is: names, addresses, fingerprints.
 * @returns undefined for a sentence that is not known, as of ssh, of an action or of a plugin
 */
export function chineseSentence(sentence: string): string | undefined {
  if (sentence.length > longest) return undefined;
  for (const [pattern, inChinese] of rows) {
    const match = pattern.exec(sentence);
    if (match) return inChinese(...match.slice(1).map((part) => part ?? ''));
  }
  return undefined;
}

/** A sentence in a sentence: in Chinese, or as it is, marked. */
export const chineseOr = (sentence: string): string => chineseSentence(sentence) ?? `原文：${sentence}`;

const durationWords = { ms: ' 毫秒', s: ' 秒', m: ' 分钟', h: ' 小时', d: ' 天' } as const;
/** `1h30m`, `500ms`. */
const span = (text: string): string =>
  text
    .replaceAll(/([\d.]+)(ms|s|m|h|d)/g, (_all, amount: string, unit: keyof typeof durationWords) => {
      return `${amount}${durationWords[unit]} `;
    })
    .trim();

const all = (text: string, between: string): string | undefined => {
  const parts = text.split(between).map(chineseSentence);
  return parts.every((part) => part !== undefined) ? parts.join('；') : undefined;
};

const kinds: Readonly<Record<string, string>> = {
  number: '数字',
  int: '整数',
  string: '文字',
  boolean: 'true 或 false',
  array: '列表',
  object: '对象',
  record: '对象',
  null: 'null',
  undefined: '空',
};
const kindIn = (word: string): string => wordIn(kinds, word);
/** What was written by somebody else may be the name of what every object has. */
const wordIn = (words: Readonly<Record<string, string>>, word: string): string =>
  (Object.hasOwn(words, word) ? words[word] : undefined) ?? word;

const ofCommands: readonly Row[] = [
  [/^there is no action "(.+?)"$/, (name) => `没有操作“${name}”`],
  [/^there is no action "(.+?)"; did you mean "(.+)"\?$/, (name, meant) => `没有操作“${name}”；是不是想写“${meant}”？`],
  [/^there is no task without an id$/, () => '请写出任务的编号'],
  [/^there is no task (\S+)$/, (id) => `没有任务 ${id}`],
  [/^no task of late begins with (.+)$/s, (id) => `最近的任务中没有以 ${id} 开头的`],
  [/^(\d+) tasks begin with (.+): write more of it$/s, (count, id) => `有 ${count} 个任务以 ${id} 开头：请多写几位`],
  [/^the task has not ended: cancel it, or wait$/, () => '任务还没有结束：请取消它，或等它结束'],
  [/^none of its runs failed$/, () => '它没有失败的运行'],
  [/^there is no schedule "(.*)"$/s, (id) => `没有计划“${id}”`],
  [/^the schedule "(.*)" was changed after it was asked about$/s, (id) => `计划“${id}”在询问之后有了变化`],
  [/^"(.*)" is declared by the configuration$/s, (id) => `“${id}”由配置声明`],
  [/^the notification is forgotten$/, () => '这条通知已不再保存'],
  [/^(.+) is not known here$/s, (name) => `这里还不认识 ${name}`],
  [/^(.+) is not known here any more$/s, (name) => `${name} 在这里已不再绑定`],
  [
    /^the code is wrong, was used before, or is older than 15 minutes$/,
    () => '绑定码不正确、已被使用，或已超过 15 分钟',
  ],
  [/^too many commands: wait (\d+) s$/, (seconds) => `命令太多：请等待 ${seconds} 秒`],
  [/^this button is of another version: send the command instead$/, () => '这个按钮属于另一个版本：请改为发送命令'],
  [/^(.+) is not a text file in UTF-8$/s, (name) => `${name} 不是 UTF-8 文本文件`],
];

const ofArguments: readonly Row[] = [
  [/^the arguments do not fit (\S+): (.+) and (\d+) more$/s, (name, said, more) => unfit(name, said, more)],
  [/^the arguments do not fit (\S+): (.+)$/s, (name, said) => unfit(name, said)],
  [/^the arguments do not fit (\S+) of this executor$/, (name) => `参数不符合该执行器上 ${name} 的要求`],
  [
    /^(\/\S*): (.+)$/s,
    (path, said) => {
      const told = chineseSentence(said ?? '');
      return told && `${path}：${told}`;
    },
  ],
  [/^is not an argument of (.+)$/, (name) => `不是 ${name} 的参数`],
  [/^Invalid input: expected (\w+), received undefined$/, (kind) => `缺少（应为${kindIn(kind ?? '')}）`],
  [
    /^Invalid input: expected (\w+), received (\w+)$/,
    (kind, given) => `应为${kindIn(kind ?? '')}，实际是${kindIn(given ?? '')}`,
  ],
  [/^Invalid option: expected one of (.+)$/, (values) => `应为以下之一：${values?.replaceAll('|', '、')}`],
  [/^Invalid input: expected (".*"|\d+|true|false)$/, (value) => `应为 ${value}`],
  [
    /^Too (?:small|big): expected (\w+) to (?:be|have) ([<>]=?)(\S+)(?: \w+)?$/,
    (_kind, sign, size) => `应${sign}${size}`,
  ],
  [/^"(.*)" is not a duration$/s, (text) => `“${text}”不是时长`],
  [/^(\w+) must be longer than nothing$/, (name) => `${name} 必须大于零`],
  [/^(\w+) must be (\S+) at most$/, (name, most) => `${name} 最多为 ${span(most ?? '')}`],
  [
    /^(\w+) must be (\S+) \(guard\.retention\) at most for guarded runs$/,
    (name, most) => `guarded 运行的 ${name} 最多为 ${span(most ?? '')}（guard.retention）`,
  ],
  [/^it cannot be guarded: (.+)$/s, (why) => `不能使用 guarded 类别：${chineseOr(why ?? '')}`],
  [/^the guard of (.+?) is off$/, (name) => `${name} 的 guard 已关闭`],
  [
    /^the guard of (.+?) and (\d+) more is off$/,
    (name, more) => `${name} 等 ${Number(more) + 1} 个目标的 guard 已关闭`,
  ],
  [/^(\S+) acts by itself, and no target keeps a record of that$/, (name) => `${name} 自行产生作用，目标上没有记录`],
  [/^Ask for the class at-most-once, or for none\.$/, () => '请使用 at-most-once 类别，或不指定类别。'],
  [/^"(.*)" cannot be the name of an environment variable$/s, (name) => `“${name}”不能作为环境变量的名称`],
  [/^a command cannot hold a NUL character$/, () => '命令不能包含 NUL 字符'],
  [/^a directory cannot hold a NUL character$/, () => '目录不能包含 NUL 字符'],
  [/^the command has (\d+) bytes; (\d+) is the most$/, (bytes, most) => `命令有 ${bytes} 字节，最多 ${most} 字节`],
  [/^Put a short command, and give the long text as its stdin\.$/, () => '请使用较短的命令，把长文本作为它的 stdin。'],
];

function unfit(name = '', said = '', more = '0'): string {
  const rest = more === '0' ? '' : `；另有 ${more} 处`;
  return `参数不符合 ${name} 的要求：${all(said, '; ') ?? `原文：${said}`}${rest}`;
}

const ofTargets: readonly Row[] = [
  [
    /^"(.*)" matches no target: (.+)$/s,
    (on, why) => `“${on}”没有匹配任何目标：${all(why ?? '', '; ') ?? chineseOr(why ?? '')}`,
  ],
  [/^this tenant has no targets$/, () => '该租户没有目标'],
  [/^none of the (\d+) targets is named "(.*)"$/s, (count, name) => `${count} 个目标中没有名为“${name}”的`],
  [/^"(.*)" leaves out all (\d+)$/s, (part, count) => `“${part}”排除了全部 ${count} 个`],
  [/^no target has the label "(.*)"$/s, (label) => `没有目标带有标签“${label}”`],
  [/^no target has (.+)$/s, (part) => `没有目标符合 ${part}`],
  [/^values of "(.+?)": (.+)$/s, (label, values) => `“${label}”的值有：${values}`],
  [/^"(.*)" removed the last (\d+)$/s, (part, count) => `“${part}”排除了剩下的 ${count} 个`],
  [/^a space means and: write a comma for or$/, () => '空格表示“且”，“或”请写逗号'],
  [/^no part matches$/, () => '没有一部分匹配'],
  [/^there is no target "(.*)" any more$/s, (name) => `目标“${name}”已不存在`],
  [
    /^"(.*)" matches (\d+) targets; (\d+) are allowed in one task$/s,
    (on, count, most) => `“${on}”匹配 ${count} 个目标；一个任务最多 ${most} 个`,
  ],
  // Of a selector: what is wrong, the line, and the caret below it.
  [
    /^([^\n]+)\n( {2}[^\n]*\n {2} *\^)$/,
    (said, shown) => {
      const told = chineseSentence(said ?? '');
      return told && `${told}\n${shown}`;
    },
  ],
  [/^column (\d+): (.+)$/, (column, said) => `第 ${column} 个字符：${chineseOr(said ?? '')}`],
  [/^the selector is longer than (\d+) characters$/, (most) => `选择器超过 ${most} 个字符`],
  [/^the selector is empty; write all to mean every target$/, () => '选择器为空；要表示所有目标请写 all'],
  [/^the quote is not closed$/, () => '引号没有闭合'],
  [/^"(.*)" has no meaning here$/s, (character) => `“${character}”在这里没有意义`],
  [/^expected (.+?), found (.+)$/s, (wanted, found) => `这里应为${part(wanted)}，实际是${part(found)}`],
  [/^more than (\d+) parts$/, (most) => `超过 ${most} 个部分`],
  [/^nested deeper than (\d+)$/, (most) => `嵌套超过 ${most} 层`],
];

const parts: Readonly<Record<string, string>> = { 'a name or a value': '名称或值', 'the end': '结尾' };
const part = (text = ''): string => wordIn(parts, text);

const ofService: readonly Row[] = [
  [/^the broker is out of memory or disk and takes no messages$/, () => '消息代理内存或磁盘不足，不接收消息'],
  [/^the message broker is not connected$/, () => '尚未连接到消息代理'],
  [/^the queue takes no more runs \(pool (.+)\)$/, (pools) => `队列不再接收运行（池 ${pools}）`],
  [/^no queue leads to the pool \(pool (.+)\)$/, (pools) => `没有通向该池的队列（池 ${pools}）`],
  [/^the broker did not confirm the task \(pool (.+)\)$/, (pools) => `消息代理没有确认任务（池 ${pools}）`],
  [/^the key belongs to task (\S+), whose request was another$/, (id) => `该键属于任务 ${id}，其请求不同`],
  [
    /^this executor has no action "(.+)"; it was accepted by a newer or other door$/,
    (name) => `该执行器没有操作“${name}”；任务由更新的或另一个入口受理`,
  ],
  [/^this executor cannot reach "(.+)" by (\S+)$/, (name, how) => `该执行器不能通过 ${how} 连接“${name}”`],
  [/^its executor stopped before it was sent$/, () => '执行器在发送之前停止了'],
];

const ofRuns: readonly Row[] = [
  [/^(.+); (\d+) attempts were made$/s, (said, count) => nested(said, (told) => `${told}；共尝试 ${count} 次`)],
  [
    /^(.+) \(not tried again for (\S+)\)$/s,
    (said, wait) => nested(said, (told) => `${told}（${span(wait ?? '')}内不再尝试）`),
  ],
  [
    /^the last tries failed \((.+)\); the next is made in (\S+)$/s,
    (said, wait) => `最近几次尝试失败（${chineseOr(said ?? '')}）；${span(wait ?? '')}后再试`,
  ],
  [/^ran longer than (\S+); (.+)$/, (limit, fate) => `运行超过 ${span(limit ?? '')}；${chineseOr(fate ?? '')}`],
  [
    /^ran past its deadline, (\S+); (.+)$/,
    (limit, fate) => `运行超过截止时限 ${span(limit ?? '')}；${chineseOr(fate ?? '')}`,
  ],
  [/^printed nothing for (\S+); (.+)$/, (limit, fate) => `${span(limit ?? '')}没有输出；${chineseOr(fate ?? '')}`],
  [/^cancelled; (.+)$/, (fate) => `已取消；${chineseOr(fate ?? '')}`],
  [/^cancelled between two attempts$/, () => '在两次尝试之间被取消'],
  [
    /^(\S+) attempt (\d+) was cancelled before it started$/,
    (id, attempt) => `${id} 的第 ${attempt} 次尝试在开始前已取消`,
  ],
  [
    /^told to end \((.+?)\); (.+)$/,
    (why, fate) => `已要求结束（${wordIn(reasons, why ?? '')}）；${chineseOr(fate ?? '')}`,
  ],
  [/^it had not started$/, () => '它尚未开始'],
  [/^its processes are gone$/, () => '它的进程已结束'],
  [/^its processes may still run$/, () => '它的进程可能仍在运行'],
  [
    /^not started by its deadline, (\S+) after it was accepted$/,
    (late) => `受理 ${span(late ?? '')}后仍未开始，已超过截止时限`,
  ],
  [/^not started within (\S+) of being accepted$/, (late) => `受理后 ${span(late ?? '')}内没有开始`],
  [/^its worker was lost after the command may have started$/, () => '命令可能已经开始，之后失去了执行它的进程'],
  [/^claimed (\d+) times, and no worker came to start it$/, (count) => `被领取 ${count} 次，但都没有开始`],
  [/^its executor stopped; the command goes on without it$/, () => '执行器已停止；命令仍在继续'],
  [
    /^the target could not be reached to learn the end: (.+)$/s,
    (why) => `无法连接目标以得知结果：${chineseOr(why ?? '')}`,
  ],
  [
    /^it may have started, and then its message died on the bus: (.+)$/s,
    (why) => `它可能已经开始，之后消息进入死信队列：原文：${why}`,
  ],
  [/^its message died on the bus: (.+)$/s, (why) => `消息进入死信队列：原文：${why}`],
  [/^Replay the dead letter (\S+), or drop it\.$/, (id) => `请重放死信 ${id}，或删除它。`],
  [/^it may have started, and (.+) has no record of it$/, (name) => `它可能已经开始，而 ${name} 上没有记录`],
  [/^it has ended, and (.+) has forgotten its output$/, (name) => `它已经结束，而 ${name} 已不再保存它的输出`],
  [
    /^(\S+) attempt (\d+) started on (.+), and its end cannot be learned$/,
    (id, attempt, name) => `${id} 的第 ${attempt} 次尝试已在 ${name} 上开始，无法得知结果`,
  ],
  [/^the directory "(.+)" cannot be entered on (.+)$/s, (path, name) => `无法进入 ${name} 上的目录“${path}”`],
  [/^the directory "(.+)" does not exist on this host$/s, (path) => `本机上没有目录“${path}”`],
  [
    /^the data has (\d+) bytes as JSON; (.+) is the most$/,
    (bytes, most) => `数据的 JSON 有 ${bytes} 字节，最多 ${most}`,
  ],
  [/^no record can be kept on (\S+): (.+)$/s, (name, why) => `${name} 上无法保存记录：原文：${why}`],
  [/^the end of the command was not seen within (\d+) ms$/, (ms) => `${ms} 毫秒内没有看到命令结束`],
];

const reasons: Readonly<Record<string, string>> = {
  'timed-out': '超时',
  deadline: '超过截止时限',
  idle: '没有输出',
  cancelled: '取消',
};

const nested = (said: string | undefined, how: (told: string) => string): string => how(chineseOr(said ?? ''));

function otherKey(why: string): Row[1] {
  return (place, type, print) => `${place} 出示了 ${type} 密钥 ${print}，它${why}`;
}

const ofSsh: readonly Row[] = [
  [/^the name "(.+)" cannot be resolved \((\S+)\)$/, (name, code) => `无法解析名称“${name}”（${code}）`],
  [/^(\S+) did not let us in in time$/, (place) => `${place} 没有及时接受登录`],
  [
    /^(\S+) refused the user "(.+)" with the identity "(.+)"$/,
    (place, user, identity) => `${place} 拒绝了用户“${user}”使用的身份“${identity}”`,
  ],
  [/^(\S+) has no host key of the types that are on file for it$/, (place) => `${place} 没有已记录类型的主机密钥`],
  [
    /^(\S+) shows the (\S+) key (\S+), and no key is on file for it$/,
    (place, type, print) => `${place} 出示了 ${type} 密钥 ${print}，而这里没有它的记录`,
  ],
  [
    /^(\S+) shows the (\S+) key (\S+), which is not the pinned (\S+)$/,
    (place, type, print, pinned) => `${place} 出示了 ${type} 密钥 ${print}，与指定的 ${pinned} 不同`,
  ],
  [
    /^Compare the fingerprint with the host \((.+?)\)\. If it is the same, add this line to (\S+): (.+)$/s,
    (how, file, line) => `请与主机核对指纹（${how}）。如果一致，请把这一行加入 ${file}：${line}`,
  ],
  [/^(\S+) shows the (\S+) key (\S+), which is not the one on file$/, otherKey('与记录的不同')],
  [/^(\S+) shows the (\S+) key (\S+), which is marked @revoked$/, otherKey('已被标记为 @revoked')],
  [/^the connection to (\S+) broke while the command ran$/, (place) => `命令运行期间与 ${place} 的连接中断`],
  [
    /^the shell on (.+) ended, or the connection to it broke, while the command ran$/,
    (name) => `命令运行期间 ${name} 上的 shell 结束，或与它的连接中断`,
  ],
  [/^the order to end the command did not get through to (.+)$/, (name) => `结束命令的指令没有送达 ${name}`],
  [/^(\S+) had no free session within (\d+) ms$/, (place, ms) => `${place} 在 ${ms} 毫秒内没有空闲会话`],
  [/^(\S+) refused a session for (\d+) ms$/, (place, ms) => `${place} 在 ${ms} 毫秒内一直拒绝新会话`],
  [/^(\S+) started no shell within (\d+) ms$/, (place, ms) => `${place} 在 ${ms} 毫秒内没有启动 shell`],
  [/^the identity "(.+?)": (.+)$/s, (name, why) => `身份“${name}”：${chineseOr(why ?? '')}`],
  [/^it is not configured here$/, () => '这里没有配置它'],
  [/^it has no private key, agent or password$/, () => '它没有私钥、agent 或密码'],
  [/^the private key cannot be used: (.+)$/s, (why) => `私钥无法使用：原文：${why}`],
];

const rows: readonly Row[] = [...ofRuns, ...ofSsh, ...ofService, ...ofTargets, ...ofArguments, ...ofCommands];
