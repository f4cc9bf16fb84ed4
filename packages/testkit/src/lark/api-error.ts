import { newLogId } from './ids.ts';

/** An answer of the open platform that is not a success. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** Newer parts of the platform send a log id along. */
export const bodyOfError = ({ code, message }: ApiError): object => ({
  code,
  msg: message,
  error: { log_id: newLogId() },
});

/** Codes and texts of the pages named in the routes. */
const known = {
  invalidParam: [10003, 'invalid param'],
  wrongSecret: [10014, 'app secret invalid'],
  noToken: [
    99991661,
    'Missing access token for authorization. Please make a request with token attached in the HTTP Authorization header.',
  ],
  badToken: [99991663, 'Invalid access token for authorization. Please make a test attempt with the correct token.'],
  noScope: [99991672, 'Access denied. One of the following scopes is required'],
  unknownMessage: [99992354, 'The request you send is not a valid open_message_id or not exists'],
  otherAppsOpenId: [99992361, 'open_id cross app'],
  notFound: [404, '404 page not found'],
  invalidMessage: [230001, 'Your request contains an invalid request parameter'],
  notInChat: [230002, 'Bot/User can NOT be out of the chat.'],
  recalled: [230011, 'The message is recalled.'],
  frequency: [230020, 'This operation triggers the frequency limit'],
  tooLong: [230025, 'The length of the message content reaches its limit.'],
  noRecall: [230026, 'No permission to recall this message.'],
  noPermission: [230027, 'Lack of necessary permissions'],
  cardTooOld: [
    230031,
    'Message has expired when updating message, ext=Message can only be updated within fourteen days.',
  ],
  wrongType: [230054, 'This operation is not supported for this message type.'],
  wrongFileType: [230055, 'The type of file upload does not match the type of message being sent.'],
  notSender: [230071, 'The operator is not the sender of the message.'],
  tooManyEdits: [230072, 'The message has reached the number of times it can be edited.'],
  textTooOld: [230075, 'The message has exceeded the time that can be edited.'],
  badCard: [230099, 'Failed to create card content'],
  chatUnknown: [232006, 'Your request specifies a chat_id which is invalid.'],
  notInThatChat: [232011, 'Operator can NOT be out of the chat.'],
  badUpload: [234001, 'Invalid request param.'],
  fileNotInMessage: [234003, 'File not in msg.'],
  fileTooBig: [234006, 'The file size exceed the max value.'],
  othersFile: [234008, 'The app is not the resource sender.'],
  fileEmpty: [234010, "File's size can't be 0."],
  notAnImage: [234011, "Can't regonnize the image format."],
  noFilesOfCards: [234043, 'Unsupported message type.'],
  cardParameter: [10002, 'Your request contains an invalid request parameter.'],
  cardUnknown: [200740, 'The card entity does not exist'],
  cardExpired: [200750, 'The card entity has expired'],
  cardUuid: [200770, 'UUID conflict'],
  cardInUse: [200810, 'The card is in an ongoing interaction and cannot be updated'],
  streamingTimeout: [200850, 'Card streaming timeout'],
  cardTooBig: [200860, 'Card content exceeds limit.'],
  streamingClosed: [300309, 'Card streaming closed'],
  onlyText: [300310, 'Only update text'],
  othersCard: [300311, 'The current application does not have permission to update/use this card'],
  elementTag: [300312, 'Unable to update element tag'],
  elementUpdate: [300313, 'Failed to update element properties'],
  elementDelete: [300314, 'Failed to delete element'],
  elementAdd: [300315, 'Failed to add element'],
  staleSequence: [300317, 'The sequence number for operating on the card did not increment consecutively'],
  cardRecalled: [200000, 'message has been recalled'],
  callbackFormat: [300020, 'update card token is invalid'],
  callbackExpired: [300030, 'update card token is expired'],
  callbackUsedUp: [300040, 'update card token has been used more than limit'],
  noUser: [41050, 'no user authority error'],
} as const;

export type KnownError = keyof typeof known;

/** @param ext what is wrong, as the platform appends it */
export function refusal(name: KnownError, ext?: string): ApiError {
  const [code, message] = known[name];
  const status = name === 'notFound' ? 404 : 400;
  return new ApiError(status, code, ext === undefined ? message : `${message.replace(/\.$/, '')}, ext=${ext}`);
}

/** The gateway's own limit. https://open.feishu.cn/document/ukTMukTMukTM/uUzN04SN3QjL1cDN */
export function tooManyRequests(resetSeconds: number, limit: number, status: 429 | 400 = 429): ApiError {
  return new ApiError(status, 99991400, 'request trigger frequency limit', {
    'x-ogw-ratelimit-limit': String(limit),
    'x-ogw-ratelimit-reset': String(Math.max(1, Math.ceil(resetSeconds))),
  });
}

/** The limit of what a message goes to, or of what is changed. */
export const tooOften = (what: 'chat' | 'user' | 'message' | 'card'): ApiError =>
  refusal('frequency', `${what} rate limit`);
