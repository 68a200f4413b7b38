/**
 * A response with another body. A Response can be constructed with a status and headers, but not with the URL that it
 * came from, not with every reason that a server may give, and not with headers that can't be changed: those are put
 * onto it.
 *
 * @param body Null for a response that has none, as that to a HEAD: with some statuses it can't have one.
 */
export function deriveResponse(response: Response, body: ReadableStream<Uint8Array> | ArrayBuffer | null): Response {
  const { status, headers } = response;
  return withOrigin(new Response(body as BodyInit | null, { status, headers }), response);
}

function withOrigin(derived: Response, origin: Response): Response {
  const { url, redirected, type, statusText, headers } = origin;
  return Object.defineProperties(derived, {
    url: { value: url },
    redirected: { value: redirected },
    type: { value: type },
    statusText: { value: statusText },
    headers: { value: headers },
    clone: { value: () => withOrigin(Response.prototype.clone.call(derived), origin) },
  });
}
