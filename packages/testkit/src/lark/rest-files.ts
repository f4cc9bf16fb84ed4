import { refusal } from './api-error.ts';
import { textOf } from './fields.ts';
import { type Files, imageTypeOf, type StoredFile } from './files.ts';
import { filesOf, type Messages } from './messages.ts';
import { type App, bodyOf } from './model.ts';
import type { UploadedPart } from './multipart.ts';
import { visibleTo } from './rest-messages.ts';
import { type ApiAnswer, type Route, route } from './router.ts';
import type { Settings } from './settings.ts';

interface Deps {
  readonly settings: Settings;
  readonly messages: Messages;
  readonly files: Files;
}

const scopes = ['im:resource', 'im:resource:upload'];
const fileTypes = ['opus', 'mp4', 'pdf', 'doc', 'xls', 'ppt', 'stream'];

/** https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/im-v1/file/create, image/create and message-resource/get */
export function createFileRoutes({ settings, messages, files }: Deps): readonly Route[] {
  const { fileBytes, imageBytes } = settings.limits;
  const own = (app: App, key: string): ApiAnswer => {
    const file = files.get(key);
    if (!file) throw refusal('badUpload');
    if (file.owner !== app) throw refusal('othersFile');
    return sent(file);
  };
  return [
    route('POST', '/im/v1/files', {
      scopes,
      handle({ app, fields, parts }) {
        const name = textOf(fields['file_name']);
        if (!fileTypes.includes(textOf(fields['file_type'])) || name === '') throw refusal('badUpload');
        const { data, type } = fitting(parts.get('file'), fileBytes);
        return { data: { file_key: files.put({ kind: 'file', name, type, data, owner: app }).key } };
      },
    }),
    route('POST', '/im/v1/images', {
      scopes,
      handle({ app, fields, parts }) {
        if (!['message', 'avatar'].includes(textOf(fields['image_type']))) throw refusal('badUpload');
        const { data, name } = fitting(parts.get('image'), imageBytes);
        const type = imageTypeOf(data);
        if (type === undefined) throw refusal('notAnImage');
        return { data: { image_key: files.put({ kind: 'image', name, type, data, owner: app }).key } };
      },
    }),
    route('GET', '/im/v1/files/:file_key', { scopes, handle: ({ app, params }) => own(app, params.file_key) }),
    route('GET', '/im/v1/images/:image_key', { scopes, handle: ({ app, params }) => own(app, params.image_key) }),
    route('GET', '/im/v1/messages/:message_id/resources/:file_key', {
      scopes: ['im:message', 'im:message:readonly', 'im:message.history:readonly'],
      handle({ app, params, query }) {
        const message = visibleTo(app, params.message_id, messages);
        if (!['file', 'image'].includes(query.get('type') ?? '')) throw refusal('badUpload');
        if (bodyOf(message).type === 'interactive') throw refusal('noFilesOfCards');
        const file = files.get(params.file_key);
        if (!file || !filesOf(message).includes(file.key)) throw refusal('fileNotInMessage');
        return sent(file);
      },
    }),
  ];
}

const sent = ({ data, name, type }: StoredFile): ApiAnswer => ({ file: data, name, type });

function fitting(part: UploadedPart | undefined, maxBytes: number): UploadedPart {
  if (!part) throw refusal('badUpload');
  if (part.data.length === 0) throw refusal('fileEmpty');
  if (part.data.length > maxBytes) throw refusal('fileTooBig');
  return part;
}
