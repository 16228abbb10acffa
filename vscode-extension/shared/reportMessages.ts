/** What the extension and its webview say to each other. */

import type {
  BannerAction,
  OwnerDetail,
  OwnerRef,
  PlaceData,
  ReportData,
  ReportStatus,
} from "./reportData.ts";

/** Where in the report to go: to one asset, to what a search finds, or to a tab. */
export interface Target {
  /** `repository` is null where only its key is known. */
  readonly asset?: { readonly key: string; readonly repository: string | null };
  readonly search?: string;
  readonly tab?: "limits" | "time";
}

/**
 * `generation` counts measurements: rows of one mean nothing in the next, so that answers and
 * requests which cross with a newer measurement are recognized and dropped.
 */
export type ToWebview =
  | { readonly type: "data"; readonly generation: number; readonly data: ReportData }
  | { readonly type: "status"; readonly status: ReportStatus }
  | { readonly type: "go"; readonly to: Target }
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
  | { readonly type: "act"; readonly action: BannerAction };

/**
 * What the webview keeps across reloads; `folder` and `location` say which report it was. The location
 * is empty where none was known when the report was opened.
 */
export interface SavedPanel {
  readonly folder: string;
  readonly location: string;
}
