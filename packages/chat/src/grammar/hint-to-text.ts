import type { Language } from '../texts/language.ts';
import type { CommandHint, ValueKind } from './command-hint.ts';

/** What was wrong and what to do, without the place. */
export function hintToText(hint: CommandHint, language: Language): string {
  return language === 'zh-CN' ? chinese(hint) : english(hint);
}

const englishKinds: Record<Exclude<ValueKind, 'choice'>, string> = {
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  list: 'a list such as a,b or ["a","b"]',
  object: 'a JSON object such as {"name":"value"}',
  other: 'a value of another type',
};

const chineseKinds: Record<Exclude<ValueKind, 'choice'>, string> = {
  integer: '整数',
  number: '数字',
  boolean: 'true 或 false',
  list: '列表，例如 a,b 或 ["a","b"]',
  object: 'JSON 对象，例如 {"name":"value"}',
  other: '其他类型的值',
};

function english(hint: CommandHint): string {
  switch (hint.kind) {
    case 'empty':
      return 'there is no command; write help to see how commands are written';
    case 'unknown-verb':
      return `"${hint.word}" is no command; ${hint.meant === undefined ? 'write help or actions to see what there is' : `did you mean ${hint.meant}?`}`;
    case 'unknown-option':
      return `"${hint.word}" is no option; ${hint.meant === undefined ? 'there are on: and timeout:' : `did you mean ${hint.meant}?`}`;
    case 'unknown-argument': {
      if (hint.meant !== undefined) return `${hint.action} has no "${hint.word}"; did you mean ${hint.meant}?`;
      const known = hint.known.length === 0 ? 'it takes none' : `it takes ${hint.known.join(', ')}`;
      return `${hint.action} has no "${hint.word}"; ${known}; a label goes into quotes: on:"${hint.word}=…"`;
    }
    case 'missing-arguments':
      return `${hint.action} needs ${hint.names.join(', ')}; write ${hint.names.map((name) => `${name}=…`).join(' ')}`;
    case 'bad-argument': {
      const expected =
        hint.expected === 'choice' ? `one of ${(hint.choices ?? []).join(', ')}` : englishKinds[hint.expected];
      return `${hint.name} must be ${expected}, not "${hint.word}"${hint.meant === undefined ? '' : `; did you mean ${hint.meant}?`}`;
    }
    case 'missing-on':
      return 'it does not say where to run; write on:TARGETS';
    case 'missing-command':
      return 'there is no command to run; write it after " -- ", as a code block, or attach one script';
    case 'missing-value':
      return `${hint.word} has no value; write it right after the colon`;
    case 'repeated':
      return `${hint.word} is there twice; write it once`;
    case 'bad-timeout':
      return `"${hint.word}" is no duration; write a number and a unit: 500ms, 30s, 5m, 1h30m`;
    case 'bad-task':
      return `"${hint.word}" is no id of a task; write the whole id, or at least its first 8 characters`;
    case 'bad-language':
      return `"${hint.word}" is no language of mine; write english or 中文`;
    case 'unclosed':
      return `${hint.quote} is not closed; write another ${hint.quote} where it ends`;
    case 'text-after-quote':
      return `text follows right after the closing ${hint.quote}; write a space between them`;
    case 'text-after-code':
      return 'text follows after the code; put all of the command into one code block';
    case 'block-after-dashes':
      return 'a code block after "--" would run with its backticks; leave the "--" out';
    case 'spaced-equals':
      return 'there are spaces around "="; write name=value';
    case 'many-scripts':
      return `${hint.names.length} files are attached (${hint.names.join(', ')}); attach one script`;
    case 'command-and-script':
      return `there is a command, and the script ${hint.name}; send one of the two`;
    case 'empty-script':
      return `${hint.name} is empty; attach a script with commands`;
    case 'takes-no-command':
      return `${hint.action} takes no command line; write its arguments as name=value`;
    case 'fixed-on':
      return `${hint.alias} always runs on ${hint.on}; leave on: out`;
    case 'bad-alias':
      return `the alias ${hint.alias} is configured wrongly: ${hint.place} stands where a word cannot be quoted; ask who keeps the configuration`;
    case 'usage':
      return `words are missing or too many; write ${hint.usage}`;
  }
}

function chinese(hint: CommandHint): string {
  switch (hint.kind) {
    case 'empty':
      return '没有命令；发送“帮助”查看命令的写法';
    case 'unknown-verb':
      return `没有“${hint.word}”这个命令；${hint.meant === undefined ? '发送“帮助”或“动作”查看有哪些命令' : `是不是想写 ${hint.meant}？`}`;
    case 'unknown-option':
      return `没有“${hint.word}”这个选项；${hint.meant === undefined ? '可用的是 on: 和 timeout:' : `是不是想写 ${hint.meant}？`}`;
    case 'unknown-argument': {
      if (hint.meant !== undefined) return `${hint.action} 没有参数“${hint.word}”；是不是想写 ${hint.meant}？`;
      const known = hint.known.length === 0 ? '它没有参数' : `它的参数是 ${hint.known.join('、')}`;
      return `${hint.action} 没有参数“${hint.word}”；${known}；标签要写在引号里：on:"${hint.word}=…"`;
    }
    case 'missing-arguments':
      return `${hint.action} 缺少 ${hint.names.join('、')}；请写 ${hint.names.map((name) => `${name}=…`).join(' ')}`;
    case 'bad-argument': {
      const expected =
        hint.expected === 'choice' ? `以下之一：${(hint.choices ?? []).join('、')}` : chineseKinds[hint.expected];
      return `${hint.name} 必须是${expected}，而不是“${hint.word}”${hint.meant === undefined ? '' : `；是不是想写 ${hint.meant}？`}`;
    }
    case 'missing-on':
      return '没有说明在哪里运行；请写 on:目标';
    case 'missing-command':
      return '没有要运行的命令；请写在“ -- ”之后、写成代码块，或附上一个脚本';
    case 'missing-value':
      return `${hint.word} 没有值；请紧跟在冒号后面写`;
    case 'repeated':
      return `${hint.word} 出现了两次；请只写一次`;
    case 'bad-timeout':
      return `“${hint.word}”不是时长；请写数字和单位：500ms、30s、5m、1h30m`;
    case 'bad-task':
      return `“${hint.word}”不是任务编号；请写完整编号，或至少前 8 个字符`;
    case 'bad-language':
      return `不支持“${hint.word}”这种语言；请写 english 或 中文`;
    case 'unclosed':
      return `${hint.quote} 没有结束；请在结尾再写一个 ${hint.quote}`;
    case 'text-after-quote':
      return `结束的 ${hint.quote} 后面紧跟着文字；请在中间加一个空格`;
    case 'text-after-code':
      return '代码后面还有文字；请把整个命令放进一个代码块';
    case 'block-after-dashes':
      return '“--”后面的代码块会连同反引号一起运行；请去掉“--”';
    case 'spaced-equals':
      return '“=”两边有空格；请写成 名称=值';
    case 'many-scripts':
      return `附上了 ${hint.names.length} 个文件（${hint.names.join('、')}）；请只附上一个脚本`;
    case 'command-and-script':
      return `既有命令，又有脚本 ${hint.name}；请只发送其中一个`;
    case 'empty-script':
      return `${hint.name} 是空的；请附上有内容的脚本`;
    case 'takes-no-command':
      return `${hint.action} 不接受命令行；请把参数写成 名称=值`;
    case 'fixed-on':
      return `${hint.alias} 总是在 ${hint.on} 上运行；请去掉 on:`;
    case 'bad-alias':
      return `别名 ${hint.alias} 的配置有误：${hint.place} 所在的位置无法给词加引号；请联系维护配置的人`;
    case 'usage':
      return `词太少或太多；请写 ${hint.usage}`;
  }
}
