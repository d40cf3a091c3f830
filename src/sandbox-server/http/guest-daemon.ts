import { Hono } from 'hono';

import { knownUser } from '../wire/basic-user.ts';
import { apiErrorResponse } from '../wire/api-error.ts';
import { ConnectFault, faultJson } from '../wire/connect-fault.ts';
import { equalSecrets } from '../wire/equal-secrets.ts';
import { parseBasicUser } from '../wire/basic-user.ts';
import type { RootFolders } from './add-root-folder.ts';
import type { AppContext, AppEnv } from './app-env.ts';
import { downloadFile } from './file-download.ts';
import { signerOf } from './file-signer.ts';
import { fileErrorResponse } from './file-error.ts';
import { uploadFiles } from './file-upload.ts';
import { filesystemService } from './filesystem-service.ts';
import { processService } from './process-service.ts';

/** E2B's guest daemon of one sandbox, which the context names: health, files, processes, file system. */
export function guestDaemon(sandboxes: RootFolders): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.get('/health', () => new Response(null, { status: 204 }));
  app.use(async (c, next) => {
    if (equalSecrets(c.env.sandbox.accessToken, c.req.header('x-access-token'))) return next();
    if (c.req.path === '/files') {
      const isSigned = c.req.query('signature') !== undefined;
      const signer = isSigned ? signerOf(c, [c.env.sandbox]) : 'the access token is missing or wrong';
      return typeof signer === 'string' ? apiErrorResponse(401, signer) : next();
    }
    const fault = new ConnectFault('unauthenticated', 'the access token is missing or wrong');
    return Response.json(faultJson(fault), { status: 401 });
  });
  app.get('/files', (c) => readFiles(c));
  app.post('/files', (c) => writeFiles(c, sandboxes));
  app.route('/process.Process', processService());
  app.route('/filesystem.Filesystem', filesystemService(sandboxes));
  app.notFound((c) => {
    const fault = new ConnectFault('unimplemented', `${c.req.method} ${c.req.path} is not supported`);
    return Response.json(faultJson(fault), { status: 404 });
  });
  return app;
}

/** `GET /files`, the caller's right to it checked already. */
export async function readFiles(c: AppContext): Promise<Response> {
  try {
    const path = c.req.query('path');
    if (!path) throw new ConnectFault('invalid_argument', `the query parameter 'path' is missing`);
    return await downloadFile(c, path, userOf(c));
  } catch (error) {
    return fileErrorResponse(c.env.sandbox.id, error);
  }
}

/** `POST /files`, the caller's right to it checked already. */
export async function writeFiles(c: AppContext, sandboxes: RootFolders): Promise<Response> {
  try {
    return Response.json(await uploadFiles(c, sandboxes, c.req.query('path'), userOf(c)));
  } catch (error) {
    return fileErrorResponse(c.env.sandbox.id, error);
  }
}

function userOf(c: AppContext): string {
  const named = c.req.query('username');
  return named ? knownUser(named) : parseBasicUser(c.req.header('authorization'));
}
