import { createHash, randomBytes } from 'node:crypto';

const hex = (bytes: number): string => randomBytes(bytes).toString('hex');

/** Ids in the shapes of https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/im-v1/message/intro */
export const newMessageId = (): string => `om_${hex(16)}`;
export const newChatId = (): string => `oc_${hex(16)}`;
export const newThreadId = (): string => `omt_${hex(8)}`;
export const newFileKey = (): string => `file_v3_${hex(16)}`;
export const newImageKey = (): string => `img_v3_${hex(16)}`;
export const newEventId = (): string => hex(16);
export const newCallbackToken = (): string => `c-${hex(20)}`;
export const newAccessToken = (): string => `t-${hex(20)}`;
export const newLogId = (): string => hex(16);
/** The SDK's long connection takes no other shape. */
export const newAppId = (): string => `cli_${hex(8)}`;
export const newSecret = (): string => hex(16);
/** 19 digits. */
export const newCardId = (): string => `7${String(randomBytes(8).readBigUInt64BE() % 10n ** 18n).padStart(18, '0')}`;

/** The same for the same parts, whenever it is asked for. */
export const derivedId = (prefix: string, ...parts: readonly string[]): string =>
  `${prefix}${createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 32)}`;
