export { type Chat, type ChatDeps, createChat } from './chat.ts';
export { type ChatDesk, createChatDesk } from './desk.ts';
export type { ChatCommand, RunCommand } from './grammar/command.ts';
export { commandErrorToText } from './grammar/command-error.ts';
export { commandFromOptions } from './grammar/command-from-options.ts';
export type { CommandHint } from './grammar/command-hint.ts';
export { type Choice, type CompletionContext, complete } from './grammar/complete.ts';
export { formatCommand } from './grammar/format-command.ts';
export { parseCommand } from './grammar/parse-command.ts';
export { type LocalUsage, type Usage, usageIn, usageOf } from './grammar/usage-of.ts';
export type { UsageOption } from './grammar/verb-options.ts';
export type { GrammarContext, Script, Vocabulary } from './grammar/vocabulary.ts';
export type {
  Actor,
  Answer,
  Attachment,
  Completion,
  Incoming,
  IncomingBase,
  IncomingCommand,
  IncomingPress,
  IncomingText,
} from './incoming.ts';
export type { ChatButton, ChatCode, ChatField, ChatMessage, ChatTable, Tone } from './message.ts';
export { type ChatNotifierDeps, chatNotifiers } from './notifier.ts';
export type { ChatFile, ChatPlatform, PlatformLimits, PostOptions } from './platform.ts';
export { type Language, languageOf } from './texts/language.ts';
