/** Who asks: what a row of `stage1_audit` says of a write. */
export interface Author {
  /** Name of the token, never the token itself; null where the server asks for none. */
  readonly token: string | null;
  /** By which the server's log and the answer's header `x-request-id` know the request. */
  readonly requestId: string;
}
