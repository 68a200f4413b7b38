export { RESILIENT_ADAPTER_DEFAULTS, resilientAdapter, type ResilientAdapterOptions } from './resilient-adapter.ts';
export type { AxiosAdapterLike, AxiosConfigLike, AxiosErrorLike, AxiosResponseLike } from './axios-port.ts';
