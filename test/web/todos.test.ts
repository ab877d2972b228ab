import { describe, expect, test } from "vitest";
import { missingBrowser } from "./browser.ts";
import { useStage } from "./stage.ts";

const refusal = { status: 507, code: "storage_full", detail: "the disk is full" } as const;

describe.skipIf(missingBrowser !== undefined)("the todo panel", () => {
  const stage = useStage();

  test("[WEB61] a todo is added, checked and deleted; what the log says stays after a reload", async () => {
    const { planner } = stage.server.world;
    const page = await stage.open();
    await page.getByRole("tab", { name: "Todos" }).click();
    await page.getByText("Nothing to do").waitFor();
    await page.getByLabel("New todo").fill("buy milk");
    await page.getByLabel("New todo").press("Enter");
    const box = page.getByRole("checkbox", { name: "buy milk" });
    await box.waitFor();
    await expect.poll(() => box.isEnabled()).toBe(true);
    await box.check();
    await page.getByRole("list", { name: "Done todos" }).getByText("buy milk").waitFor();
    expect([...planner.todos.values()]).toMatchObject([{ text: "buy milk", status: "done" }]);
    await page.reload();
    await page.getByRole("list", { name: "Done todos" }).getByText("buy milk").waitFor();
    await page.getByRole("button", { name: "Delete: buy milk" }).click();
    await page.getByText("Nothing to do").waitFor();
    expect(planner.todos.size).toBe(0);
  });

  test("[WEB62] a refused action is taken back and said in words", async () => {
    const { planner } = stage.server.world;
    planner.putTodo({ text: "buy milk" });
    const page = await stage.open();
    await page.getByRole("tab", { name: "Todos" }).click();
    stage.server.refuse("POST /api/todos/", refusal);
    const box = page.getByRole("checkbox", { name: "buy milk" });
    await box.click();
    await page.getByText("Could not change the todo: it is as it was.").waitFor();
    expect(await box.isChecked()).toBe(false);
    stage.server.refuse("POST /api/todos", refusal);
    await page.getByLabel("New todo").fill("buy bread");
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByText("Could not add the todo").waitFor();
    expect(await page.getByText("buy bread").count()).toBe(0);
    expect([...planner.todos.values()]).toMatchObject([{ text: "buy milk", status: "open" }]);
  });

  test("[WEB62] an action that is lost with the network is taken back and said", async () => {
    stage.server.world.planner.putTodo({ text: "buy milk" });
    const page = await stage.open();
    await page.getByRole("tab", { name: "Todos" }).click();
    const box = page.getByRole("checkbox", { name: "buy milk" });
    await box.waitFor();
    await stage.server.down();
    await box.click();
    await page.getByText("Could not change the todo: it is as it was.").waitFor();
    expect(await box.isChecked()).toBe(false);
    await stage.server.up();
  });

  test("[WEB61] what another tab or a task does is seen at once", async () => {
    const { planner } = stage.server.world;
    const page = await stage.open();
    await page.getByRole("tab", { name: "Todos" }).click();
    await page.getByText("Nothing to do").waitFor();
    const todo = planner.putTodo({ text: "buy milk", status: "proposed" });
    await page.getByText("Shall these go on your list?").waitFor();
    await page.getByRole("button", { name: "Add: buy milk" }).click();
    await page.getByRole("checkbox", { name: "buy milk" }).waitFor();
    expect(planner.todos.get(todo.id)?.status).toBe("open");
    planner.putTodo({ id: todo.id, status: "done" });
    await page.getByRole("list", { name: "Done todos" }).getByText("buy milk").waitFor();
    expect(await page.getByRole("tab", { name: "Todos" }).innerText()).toBe("Todos");
  });

  test("[WEB63] a reminder that has come is said, put off and done; one that was missed says so", async () => {
    const { planner } = stage.server.world;
    const page = await stage.open();
    await page.getByRole("tab", { name: "Todos" }).click();
    await page.getByText("Nothing to do").waitFor();
    const now = new Date().toISOString();
    planner.putReminder("rem_1", { text: "call Ann", last: { dueAt: now, at: now, missed: true } });
    await page.getByText("Reminder: call Ann").waitFor();
    await page.getByText("Missed while Errand was not running").waitFor();
    await page.getByRole("button", { name: "In ten minutes again: call Ann" }).click();
    await page.getByRole("button", { name: "Remove: call Ann" }).waitFor();
    const last = { dueAt: now, at: now, missed: false };
    planner.putReminder("rem_1", { nextAt: null, last });
    await page.getByRole("button", { name: "Done: call Ann" }).click();
    await expect.poll(() => page.getByRole("list", { name: "Reminders" }).count()).toBe(0);
  });

  test("[WEB64] what a task asks is answered beside the chat; a refused answer brings it back", async () => {
    const { world } = stage.server;
    const { id: taskId } = world.addTask({ type: "send", input: {} });
    const page = await stage.open();
    await page.getByText("send").first().waitFor();
    world.planner.ask("appr_1", { taskId, question: "Send the mail to Ann?" });
    await page.getByText("A task asks you").waitFor();
    stage.server.refuse("POST /api/approvals/", refusal);
    await page.getByRole("button", { name: "Approve" }).click();
    await page.getByText("Could not approve").waitFor();
    await page.getByRole("button", { name: "Reject" }).click();
    await expect.poll(() => page.getByText("Send the mail to Ann?").count()).toBe(0);
    expect(world.planner.approvals.size).toBe(0);
  });

  test("[WEB42,WEB61] the tabs are one stop of Tab, and arrows go between them", async () => {
    const page = await stage.open();
    await page.getByRole("tab", { name: "Tasks" }).focus();
    await page.keyboard.press("ArrowRight");
    await expect
      .poll(() => page.getByRole("tab", { name: "Todos" }).getAttribute("aria-selected"))
      .toBe("true");
    await page.keyboard.press("ArrowLeft");
    await page.getByText("Nothing in the background yet").waitFor();
  });
});
