const vscode = require("vscode");

const WATCHED = "dagster-snapsize.dagster-snapsize";

/** A status bar item: "control: WATCHED absent", "... inactive" or "... active". */
exports.activate = (context) => {
  const item = vscode.window.createStatusBarItem("state", vscode.StatusBarAlignment.Left);
  const show = () => {
    // An extension that may not run in an untrusted folder is not even listed there.
    const found = vscode.extensions.getExtension(WATCHED);
    const state = found === undefined ? "absent" : found.isActive ? "active" : "inactive";
    item.text = `control: ${state}`;
    item.show();
  };
  show();
  // Becoming active has no event.
  const timer = setInterval(show, 100);
  context.subscriptions.push(item, vscode.extensions.onDidChange(show), {
    dispose: () => clearInterval(timer),
  });
};
