// What the bench uses of undici, so that its types need no install.
declare module "undici" {
  interface Handler {
    onRequestStart(): void;
    onResponseStart(controller: unknown, status: number): void;
    onResponseData(controller: unknown, chunk: Buffer): void;
    onResponseEnd(): void;
    onResponseError(controller: unknown, error: Error): void;
  }
  interface Options {
    readonly method: "POST";
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string | Buffer;
  }
  export class Client {
    constructor(origin: string, options?: { readonly pipelining?: number });
    dispatch(options: Options, handler: Handler): boolean;
    close(): Promise<void>;
  }
}
