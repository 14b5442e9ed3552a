/** An error whose status and message are sent to the client. */
export class HttpError extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/** A temporary failure: the client may retry after a second. */
export const unavailable = (message: string): HttpError => new HttpError(503, message, { 'Retry-After': '1' });
