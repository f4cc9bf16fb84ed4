// Words of the page, in the two languages it speaks.

const words = {
  'en-US': {
    title: 'Chat',
    standIn: 'local stand-in',
    actingAs: 'You are',
    try: 'Try',
    directMessages: 'Direct messages',
    withBot: 'with',
    attach: 'Attach files',
    send: 'Send',
    writeTo: 'Message',
    or: 'or type / for commands',
    welcome: 'Nothing here yet',
    welcomeHint: 'Write to the bot, or type / to see its commands. Nothing leaves this machine.',
    thinking: 'is thinking …',
    typing: 'is typing …',
    edited: '(edited)',
    seeAttachment: 'Click to see attachment',
    onlyYou: '👁 Only you can see this',
    used: 'used a command',
    thread: 'Open thread',
    download: 'Download',
    live: 'live',
    lost: 'reconnecting …',
    today: 'Today at',
    noCommands: 'The bot has registered no commands here yet.',
    noSuggestions: 'No suggestions',
    optional: 'optional',
    cancel: 'Cancel',
    submit: 'Submit',
    chooseFile: 'Choose a file',
    yes: 'True',
    no: 'False',
    choose: 'Choose …',
    archived: 'archived',
    'The application did not respond': 'The application did not respond',
  },
  'zh-CN': {
    title: '聊天',
    standIn: '本地替身',
    actingAs: '当前身份',
    try: '试一试',
    directMessages: '私信',
    withBot: '与',
    attach: '添加文件',
    send: '发送',
    writeTo: '发消息到',
    or: '或输入 / 查看命令',
    welcome: '这里还没有消息',
    welcomeHint: '给机器人发消息，或输入 / 查看它的命令。所有内容都只留在本机。',
    thinking: '正在思考…',
    typing: '正在输入…',
    edited: '（已编辑）',
    seeAttachment: '点击查看附件',
    onlyYou: '👁 仅你可见',
    used: '使用了命令',
    thread: '打开子区',
    download: '下载',
    live: '已连接',
    lost: '正在重连…',
    today: '今天',
    noCommands: '机器人还没有在这里注册命令。',
    noSuggestions: '没有建议',
    optional: '可选',
    cancel: '取消',
    submit: '提交',
    chooseFile: '选择文件',
    yes: '是',
    no: '否',
    choose: '请选择…',
    archived: '已归档',
    'The application did not respond': '该应用没有响应',
  },
};

const key = 'page-language';
const preferred = navigator.language.startsWith('zh') ? 'zh-CN' : 'en-US';
let language = localStorage.getItem(key) ?? preferred;

export const currentLanguage = () => language;

export function setLanguage(next) {
  language = next;
  localStorage.setItem(key, next);
}

/** The word in the language of the page; what is no word stays as it is. */
export const t = (name) => words[language]?.[name] ?? name;

/** Fills everything that is marked with `data-text` or `data-title`. */
export function translatePage() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll('[data-text]')) element.textContent = t(element.dataset.text);
  for (const element of document.querySelectorAll('[data-title]')) element.title = t(element.dataset.title);
  for (const button of document.querySelectorAll('[data-language]')) {
    button.setAttribute('aria-pressed', String(button.dataset.language === language));
  }
}

/** Of a command or an option: its translation, if it has one. */
export const localized = (thing, field) => thing[`${field}_localizations`]?.[language] ?? thing[field];

export const timeOf = (iso) => {
  const at = new Date(iso);
  const time = at.toLocaleTimeString(language, { hour: '2-digit', minute: '2-digit' });
  const isToday = at.toDateString() === new Date().toDateString();
  return isToday ? `${t('today')} ${time}` : `${at.toLocaleDateString(language)} ${time}`;
};
