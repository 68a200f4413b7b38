export { AI_FETCH_DEFAULTS, aiFetch, type AiFetchOptions } from './ai-fetch.ts';
