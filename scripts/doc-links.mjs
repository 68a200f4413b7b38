// The links between the pages: each leads to a file and a heading that are there, and every page of the docs can be reached.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { inRoot } from './workspace.mjs';

const withoutCode = (text) =>
  text.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, (code) => code.replaceAll(/[[\]()]/g, ' '));

/** The anchors of the headings of a page, as they are made of their text where the pages are shown. */
export function anchorsOf(text) {
  const headings = [...text.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/^#+ (.+)$/gm)].map(([, title]) => title);
  return headings.map((title) =>
    title
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-'),
  );
}

/** Where the links of a page lead to within the repository: paths from its root, each with its anchor, if any. */
export function linksOf(page, text) {
  const targets = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target);
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path, anchor] = target.split('#');
      return { target, path: path === '' ? page : normalize(join(dirname(page), path)), anchor };
    });
}

/**
 * What is wrong with the links, one line each.
 *
 * @param pages The text of every page by its path from the root.
 * @param exists Whether there is a file or folder at a path from the root.
 */
export function linkFaults(pages, exists) {
  const faults = [];
  const reached = new Set();
  const reach = (page) => {
    if (reached.has(page)) return;
    reached.add(page);
    for (const { path } of linksOf(page, pages.get(page))) if (pages.has(path)) reach(path);
  };
  reach('README.md');
  for (const [page, text] of pages) {
    for (const { target, path, anchor } of linksOf(page, text)) {
      if (!exists(path)) faults.push(`${page} links to ${target}, which is not there`);
      else if (anchor !== undefined && pages.has(path) && !anchorsOf(pages.get(path)).includes(anchor))
        faults.push(`${page} links to ${target}, but there is no such heading`);
    }
    if (!reached.has(page)) faults.push(`${page} can't be reached from README.md by links`);
  }
  return faults;
}

/** What is wrong with the links of these pages, given by their paths from the root. */
export function allLinkFaults(paths) {
  const pages = new Map(paths.map((path) => [path, readFileSync(inRoot(path), 'utf8')]));
  return linkFaults(pages, (path) => existsSync(inRoot(path)));
}
