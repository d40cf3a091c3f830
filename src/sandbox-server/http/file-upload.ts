import { posix } from 'node:path';

import { Channel } from '../link/guest-frames.ts';
import type { GuestLink } from '../link/guest-link.ts';
import type { GuestStream } from '../link/guest-stream.ts';
import { ConnectFault } from '../wire/connect-fault.ts';
import { metadataOf } from '../wire/entry-json.ts';
import { multipartBoundary, readForm } from '../wire/multipart.ts';
import { addRootFolder, type RootFolders } from './add-root-folder.ts';
import type { AppContext } from './app-env.ts';
import { bodyOf } from './request-body.ts';

/** `POST /files`: writes the files of a form, or one whose bytes are the body. Answers what was written. */
export async function uploadFiles(
  c: AppContext,
  sandboxes: RootFolders,
  path: string | undefined,
  user: string,
): Promise<object[]> {
  const { sandbox } = c.env;
  const write = async (target: string, body: AsyncIterable<Uint8Array>): Promise<object> => {
    await addRootFolder(sandboxes, sandbox, posix.dirname(target));
    return writeFile(sandbox.link, { path: target, user, metadata }, body);
  };
  const type = c.req.header('content-type') ?? '';
  const metadata = metadataHeaders(c.req.raw.headers);
  if (!/^multipart\/form-data\b/i.test(type)) {
    if (!path)
      throw new ConnectFault('invalid_argument', `a body without a form needs the query parameter 'path'`);
    return [await write(path, bodyOf(c))];
  }
  const written: object[] = [];
  const targets = new Set<string>();
  for await (const part of readForm(bodyOf(c), multipartBoundary(type))) {
    if (part.name !== 'file') continue;
    const target = path || part.filename;
    if (!target) throw new ConnectFault('invalid_argument', 'a file of the form has no name');
    if (targets.has(target))
      throw new ConnectFault(
        'invalid_argument',
        `the form has two files for '${target}'; the first is written`,
      );
    targets.add(target);
    written.push(await write(target, part.body));
  }
  if (written.length === 0) throw new ConnectFault('invalid_argument', `the form has no part named 'file'`);
  return written;
}

async function writeFile(
  link: GuestLink,
  target: { path: string; user: string; metadata: Record<string, string> },
  body: AsyncIterable<Uint8Array>,
): Promise<object> {
  const { name, path, metadata } = await sendBody(link.open('file.write', target), body);
  return {
    name: typeof name === 'string' ? name : target.path.split('/').pop(),
    path: typeof path === 'string' ? path : target.path,
    type: 'file',
    ...metadataOf(metadata),
  };
}

/** Sends the bytes of a file to a guest and returns what it answers. @throws ConnectFault as the guest ends it · GuestLostError */
export async function sendBody(
  stream: GuestStream,
  body: AsyncIterable<Uint8Array>,
): Promise<Record<string, unknown>> {
  try {
    for await (const bytes of body) await stream.write(Channel.body, bytes);
  } catch (error) {
    // The guest's own word, such as a full disk, says more than the write that failed for it.
    if (stream.atEnd) await stream.next();
    stream.cancel();
    throw error instanceof ConnectFault
      ? error
      : new ConnectFault('canceled', 'the upload was cut', { cause: error });
  }
  stream.writeEof();
  let answer: Record<string, unknown> = {};
  for (let item = await stream.next(); item; item = await stream.next()) {
    if (item.type === 'event') answer = item.event;
  }
  return answer;
}

function metadataHeaders(headers: Headers): Record<string, string> {
  const metadata: Record<string, string> = {};
  for (const [name, value] of headers) {
    if (/^x-metadata-./.test(name)) metadata[name.slice('x-metadata-'.length)] = value;
  }
  return metadata;
}
