import { type APIAttachment, AttachmentFlags } from 'discord-api-types/v10';
import { type Fields, isFields } from './form.ts';

export interface UploadedFile {
  /** The `n` of `files[n]`. */
  readonly index: string;
  readonly name: string;
  readonly type: string;
  readonly data: Buffer;
}

/** The CDN: what was attached, under an address of its own. https://discord.com/developers/docs/reference#uploading-files */
export interface Files {
  /** Makes attachments of uploads, with what the body's `attachments` says of them. */
  attach(
    uploads: readonly UploadedFile[],
    body: Fields,
    where: { channelId: string; ephemeral: boolean },
  ): APIAttachment[];
  /** By the path of its url. */
  find(path: string): UploadedFile | undefined;
  /** By the attachment's id. */
  read(id: string): Buffer | undefined;
}

export function createFiles(newId: () => string, base: () => string): Files {
  const files = new Map<string, UploadedFile>();
  return {
    attach(uploads, body, { channelId, ephemeral }) {
      const notes: readonly unknown[] = Array.isArray(body['attachments']) ? body['attachments'] : [];
      return uploads.map((upload): APIAttachment => {
        const note = notes.find((each) => isFields(each) && String(each['id']) === upload.index);
        const { description, is_spoiler: spoiler } = isFields(note) ? note : {};
        const id = newId();
        files.set(id, upload);
        const url = `${base()}/attachments/${channelId}/${id}/${encodeURIComponent(upload.name)}`;
        return {
          id,
          filename: upload.name,
          size: upload.data.length,
          content_type: upload.type,
          url: signed(url),
          proxy_url: signed(url),
          ...(typeof description === 'string' ? { description } : {}),
          ...(ephemeral ? { ephemeral } : {}),
          ...(spoiler === true ? { flags: AttachmentFlags.IsSpoiler } : {}),
        };
      });
    },
    find: (path) => files.get(/^\/attachments\/\d+\/(\d+)\//.exec(path)?.[1] ?? ''),
    read: (id) => files.get(id)?.data,
  };
}

/** With the parameters a signed address has; they are not checked. https://discord.com/developers/docs/reference#signed-attachment-cdn-urls */
const signed = (url: string): string => {
  const seconds = Math.floor(Date.now() / 1000);
  return `${url}?ex=${(seconds + 86_400).toString(16)}&is=${seconds.toString(16)}&hm=stand-in&`;
};
