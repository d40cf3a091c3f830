/** A refusal of the control plane: an HTTP status, which is also the `code` in the body, and one sentence. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** A JSON answer with `{code, message}`, as all of E2B's control plane refuses. */
export function apiErrorResponse(status: number, message: string): Response {
  return Response.json({ code: status, message }, { status });
}

/** What a proxy answers for a sandbox that is not there (any more). */
export function sandboxGoneResponse(sandboxId: string): Response {
  return Response.json({ sandboxId, message: 'The sandbox was not found', code: 502 }, { status: 502 });
}

/** What a proxy answers for a port of a running sandbox on which nobody listens. */
export function portClosedResponse(sandboxId: string, port: number): Response {
  const message = 'The sandbox is running but port is not open';
  return Response.json({ sandboxId, message, port, code: 502 }, { status: 502 });
}

/** The same for somebody who looks at it in a browser. */
export function portClosedPage(sandboxId: string, port: number): Response {
  const text = `The sandbox <code>${sandboxId}</code> is running, but nothing in it listens on port ${port}.`;
  return page('Closed Port Error', `${text} Start a server there and load this page again.`);
}

/** What a browser is shown for a sandbox that is not there (any more). */
export function sandboxGonePage(sandboxId: string): Response {
  return page('Sandbox Not Found', `There is no sandbox <code>${sandboxId}</code>, or none any more.`);
}

function page(title: string, text: string): Response {
  const head = `<meta charset="utf-8"><title>${title}</title>`;
  const html = `<!doctype html><html lang="en"><head>${head}</head><body><h1>${title}</h1><p>${text}</p></body></html>`;
  return new Response(html, { status: 502, headers: { 'content-type': 'text/html; charset=utf-8' } });
}
