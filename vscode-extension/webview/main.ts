/** The report in a webview of VS Code: messages in and out, and what is kept across reloads. */

import type { FromWebview, SavedPanel, ToWebview } from "../shared/reportMessages.ts";
import { FIRST_VIEW, Report, type View } from "./report.ts";

interface Saved extends SavedPanel {
  readonly view: View;
}

declare function acquireVsCodeApi(): {
  postMessage(message: FromWebview): void;
  getState(): Saved | undefined;
  setState(state: Saved): void;
};

const vscode = acquireVsCodeApi();
const { folder = "", location = "" } = document.body.dataset;
let generation = 0;

const report = new Report(
  document.body,
  {
    open: (asset) => {
      vscode.postMessage({ type: "open", generation, asset });
    },
    openPlace: (place) => {
      vscode.postMessage({ type: "openPlace", place });
    },
    loadDetail: (owner) => {
      vscode.postMessage({ type: "detail", generation, owner });
    },
    act: (action) => {
      vscode.postMessage({ type: "act", action });
    },
    keep: (view) => {
      vscode.setState({ folder, location, view });
    },
  },
  vscode.getState()?.view ?? FIRST_VIEW,
);

window.addEventListener("message", ({ data: message }: MessageEvent<ToWebview>) => {
  switch (message.type) {
    case "data":
      generation = message.generation;
      report.show(message.data);
      break;
    case "status":
      report.status(message.status);
      break;
    case "go":
      report.goTo(message.to);
      break;
    case "detail":
      if (message.generation === generation) {
        report.learn(message.owner, message.detail);
      }
      break;
  }
});

if (!vscode.getState()) {
  vscode.setState({ folder, location, view: FIRST_VIEW });
}
vscode.postMessage({ type: "ready" });
