// PocketBase's one collection, which everybody may write to and follow; its log of requests is off, as are its limits.
migrate((app) => {
  const rules = { listRule: "", viewRule: "", createRule: "" };
  app.save(new Collection({ type: "base", name: "messages", fields: [{ type: "text", name: "text" }], ...rules }));
  const settings = app.settings();
  settings.logs.maxDays = 0;
  app.save(settings);
});
