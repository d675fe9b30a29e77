/** One file on its way to `POST /v1/assets`. XHR, because fetch reports no upload progress. No React in here. */
import { credentials } from "@/lib/api";
import { ApiError, problemFrom } from "@/lib/api-error";
import { Store } from "@/lib/store";
import type { AssetView } from "@/schema/api.gen";

/** The gateway's limit for a multipart upload. */
export const MAX_UPLOAD_BYTES = 32 * 1024 * 1024;

export type UploadState =
  | { readonly phase: "sending"; readonly fraction: number }
  | { readonly phase: "ready"; readonly asset: AssetView }
  | { readonly phase: "failed"; readonly error: ApiError };

export class Upload extends Store<UploadState> {
  readonly file: File;
  /** A `blob:` address of the file for the preview at once; valid until `discard`. */
  readonly previewUrl: string;
  private request: XMLHttpRequest | null = null;

  constructor(file: File) {
    super({ phase: "sending", fraction: 0 });
    this.file = file;
    this.previewUrl = URL.createObjectURL(file);
    this.start();
  }

  /** Begins, or begins again after a failure. */
  start = (): void => {
    if (this.file.size > MAX_UPLOAD_BYTES) {
      this.set({ phase: "failed", error: tooLarge(this.file) });
      return;
    }
    this.set({ phase: "sending", fraction: 0 });
    const request = new XMLHttpRequest();
    this.request = request;
    request.open("POST", "/v1/assets");
    for (const [name, value] of Object.entries(credentials())) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) this.set({ phase: "sending", fraction: event.loaded / event.total });
    };
    request.onload = () => this.finish(request);
    request.onerror = () => this.set({ phase: "failed", error: ApiError.unreachable() });
    const form = new FormData();
    form.append("file", this.file, this.file.name);
    request.send(form);
  };

  /** Stops the transfer and frees the preview; the upload must not be used afterwards. */
  discard = (): void => {
    this.request?.abort();
    URL.revokeObjectURL(this.previewUrl);
  };

  private finish(request: XMLHttpRequest): void {
    if (request.status >= 200 && request.status < 300) {
      this.set({ phase: "ready", asset: JSON.parse(request.responseText) as AssetView });
      return;
    }
    const requestId = request.getResponseHeader("x-request-id");
    this.set({ phase: "failed", error: problemFrom(request.status, request.responseText, requestId) });
  }
}

function tooLarge(file: File): ApiError {
  const megabytes = Math.ceil(file.size / 1024 / 1024);
  return new ApiError({
    status: 413,
    code: "upload_too_large",
    title: "This file is too large",
    detail: `${file.name} has ${megabytes} MB; up to 32 MB can be uploaded.`,
    hint: "Choose a smaller picture, or save this one as JPEG first.",
    retryable: false,
  });
}
