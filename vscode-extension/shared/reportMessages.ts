/** What the extension and its webview say to each other. */

import type { OwnerDetail, OwnerRef, PlaceData, ReportData, ReportStatus } from "./reportData.ts";

/**
 * `generation` counts measurements: rows of one mean nothing in the next, so that answers and
 * requests which cross with a newer measurement are recognized and dropped.
 */
export type ToWebview =
  | { readonly type: "data"; readonly generation: number; readonly data: ReportData }
  | { readonly type: "status"; readonly status: ReportStatus }
  | { readonly type: "search"; readonly text: string }
  | {
      readonly type: "detail";
      readonly generation: number;
      readonly owner: OwnerRef;
      readonly detail: OwnerDetail;
    };

export type FromWebview =
  | { readonly type: "ready" }
  | { readonly type: "detail"; readonly generation: number; readonly owner: OwnerRef }
  | { readonly type: "open"; readonly generation: number; readonly asset: number }
  | { readonly type: "openPlace"; readonly place: PlaceData }
  | { readonly type: "openFailure" }
  | { readonly type: "measure" };

/** What the webview keeps across reloads; `folder` and `location` say which report it was. */
export interface SavedPanel {
  readonly folder: string;
  readonly location: string;
}
