/**
 * A response with another body. A Response can be constructed with a status and headers but not with the URL that it
 * came from, so those are put onto it.
 */
export function deriveResponse(response: Response, body: ReadableStream<Uint8Array> | ArrayBuffer | null): Response {
  const { status, statusText, headers } = response;
  return withOrigin(new Response(body as BodyInit | null, { status, statusText, headers }), response);
}

function withOrigin(derived: Response, origin: Response): Response {
  const { url, redirected, type } = origin;
  return Object.defineProperties(derived, {
    url: { value: url },
    redirected: { value: redirected },
    type: { value: type },
    clone: { value: () => withOrigin(Response.prototype.clone.call(derived), origin) },
  });
}
