import { z } from 'zod';

const Text = z.object({ text: z.string() });
const Piece = z.looseObject({
  tag: z.string(),
  text: z.string().optional(),
  href: z.string().optional(),
  user_id: z.string().optional(),
  user_name: z.string().optional(),
});
type Piece = z.infer<typeof Piece>;
const Post = z.object({ title: z.string().optional(), content: z.array(z.array(Piece)) });
const File = z.object({ file_key: z.string(), file_name: z.string() });

/** What a message says: that of a text as it was written, that of rich text line by line. Undefined for what has no words. */
export function contentToText(type: string, content: string): string | undefined {
  const json = parsed(content);
  if (type === 'text') return Text.safeParse(json).data?.text;
  if (type !== 'post') return undefined;
  const post = Post.safeParse(json).data;
  if (!post) return undefined;
  const lines = post.content.map((line) => line.map(pieceText).join(''));
  return [...(post.title ? [post.title] : []), ...lines].join('\n');
}

/** What is needed to fetch the file that a message is; undefined when it is none. */
export function contentToFile(
  type: string,
  content: string,
): { readonly key: string; readonly name: string } | undefined {
  const file = type === 'file' ? File.safeParse(parsed(content)).data : undefined;
  return file && { key: file.file_key, name: file.file_name };
}

function pieceText({ tag, text = '', href, user_id: user, user_name: name }: Piece): string {
  switch (tag) {
    case 'at':
      // The placeholder, as in texts; a history may have the id of the user in its place.
      return user?.startsWith('@_') ? user : `@${name ?? user ?? ''}`;
    case 'a':
      return text === '' ? (href ?? '') : text;
    case 'code_block':
      return `\n\`\`\`\n${text.replace(/\n$/, '')}\n\`\`\`\n`;
    case 'hr':
      return '---';
    default:
      return text;
  }
}

function parsed(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}
