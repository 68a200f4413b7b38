import { PAGE_SCRIPT } from './page-script.ts';
import { PAGE_STYLE } from './page-style.ts';

/** The page and the content security policy that it is sent with: nothing runs or loads in it but what is in it. */
export function htmlPage(title: string): { readonly html: string; readonly policy: string } {
  const nonce = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)} · status</title>
<link rel="icon" href="data:image/svg+xml,${encodeURIComponent(ICON)}">
<style nonce="${nonce}">${PAGE_STYLE}</style>
</head>
<body>
<header class="top"><div class="bar">
<span class="mark" aria-hidden="true">${ICON}</span>
<h1 id="title">${escaped(title)}</h1>
<span class="pill idle" id="summary" role="status">Connecting …</span>
<span class="space"></span>
<span class="live" id="live" data-on="false"><i></i><span id="updated">not connected</span></span>
<button type="button" id="unlock" hidden>Unlock commands</button>
</div></header>
<main id="main"><p class="empty">Waiting for the first figures …</p></main>
<footer>Plots reach back <span id="reach">some minutes</span>. As text: <code>curl</code> this address.</footer>
<dialog id="ask"><form method="dialog"><h2 id="ask-title"></h2><p id="ask-text"></p>
<label id="ask-label"><span id="ask-name"></span><input id="ask-input" autocomplete="off" spellcheck="false"></label>
<menu><button value="cancel" type="submit" formnovalidate>Cancel</button><button value="ok" type="submit" class="primary" id="ask-ok">OK</button></menu></form></dialog>
<div id="toast" role="status" aria-live="polite"></div>
<script nonce="${nonce}">${PAGE_SCRIPT}</script>
</body>
</html>
`;
  return { html, policy };
}

const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#2457d6"/><path d="M5 20c3.5 0 3.5-4 7-4s3.5 4 7 4 3.5-4 8-4" fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round"/><path d="M5 25c3.5 0 3.5-4 7-4s3.5 4 7 4 3.5-4 8-4" fill="none" stroke="#fff" stroke-opacity=".55" stroke-width="2.6" stroke-linecap="round"/><path d="M20 6v8" stroke="#fff" stroke-width="3" stroke-linecap="round"/></svg>';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (found) => ENTITIES[found]!);
