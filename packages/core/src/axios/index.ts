export { resilientAdapter, type ResilientAdapterOptions } from './resilient-adapter.ts';
export type { AxiosAdapterLike, AxiosConfigLike, AxiosErrorLike, AxiosResponseLike } from './axios-port.ts';
