-- Written by `envivo make-migration` from 6ba80050ae7430f5d145a43ab9a6795acd994d3ae37309029b0b578e01c82bc1
BEGIN TRANSACTION;
CREATE TABLE "bank_accounts" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "cedula" VARCHAR(20) NOT NULL UNIQUE,
    "name" VARCHAR(100) NOT NULL,
    "balance" BIGINT NOT NULL,
    "created_at" BIGINT NOT NULL
);
CREATE TABLE "bank_movements" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "kind" VARCHAR(16) NOT NULL,
    "amount" BIGINT NOT NULL,
    "balance" BIGINT NOT NULL,
    "at" BIGINT NOT NULL,
    "account_id" BIGINT NOT NULL REFERENCES "bank_accounts" ("id") ON DELETE RESTRICT
);
CREATE TABLE "chat_members" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "user_id" TEXT NOT NULL,
    "username" TEXT NOT NULL,
    "last_seen" BIGINT NOT NULL,
    "last_read" BIGINT NOT NULL,
    "room_id" BIGINT NOT NULL REFERENCES "chat_rooms" ("id") ON DELETE RESTRICT,
    CONSTRAINT "uid_chat_member_room_id_f6482f" UNIQUE ("room_id", "user_id")
);
CREATE TABLE "chat_messages" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "user_id" TEXT NOT NULL,
    "username" TEXT NOT NULL,
    "content" TEXT NOT NULL,
    "created_at" BIGINT NOT NULL,
    "position" BIGINT NOT NULL,
    "room_id" BIGINT NOT NULL REFERENCES "chat_rooms" ("id") ON DELETE RESTRICT
);
CREATE TABLE "chat_rooms" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "name" VARCHAR(80) NOT NULL UNIQUE,
    "description" VARCHAR(200) NOT NULL,
    "created_at" BIGINT NOT NULL
);
CREATE TABLE "clinic_activity_logs" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "user_id" VARCHAR(64) NOT NULL,
    "username" VARCHAR(64) NOT NULL,
    "entity_type" VARCHAR(32) NOT NULL,
    "entity_id" BIGINT NOT NULL,
    "action" VARCHAR(16) NOT NULL,
    "summary" VARCHAR(200) NOT NULL,
    "changed" JSON NOT NULL,
    "created_at" BIGINT NOT NULL
);
CREATE TABLE "clinic_employees" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "version" INT NOT NULL,
    "created_at" BIGINT NOT NULL,
    "updated_at" BIGINT NOT NULL,
    "name" VARCHAR(80) NOT NULL,
    "role" VARCHAR(80) NOT NULL,
    "email" VARCHAR(254) NOT NULL,
    "phone" VARCHAR(30) NOT NULL,
    "active" INT NOT NULL
);
CREATE TABLE "clinic_invoices" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "version" INT NOT NULL,
    "created_at" BIGINT NOT NULL,
    "updated_at" BIGINT NOT NULL,
    "user_id" VARCHAR(64),
    "lines" JSON NOT NULL,
    "total" BIGINT NOT NULL,
    "paid" BIGINT NOT NULL,
    "status" VARCHAR(16) NOT NULL,
    "issued_at" BIGINT NOT NULL,
    "due_on" VARCHAR(10) NOT NULL,
    "notes" TEXT NOT NULL,
    "pet_id" BIGINT REFERENCES "clinic_pets" ("id") ON DELETE RESTRICT,
    "reservation_id" BIGINT REFERENCES "clinic_reservations" ("id") ON DELETE RESTRICT
);
CREATE TABLE "clinic_medical_history" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "version" INT NOT NULL,
    "created_at" BIGINT NOT NULL,
    "updated_at" BIGINT NOT NULL,
    "date" VARCHAR(10) NOT NULL,
    "diagnosis" TEXT NOT NULL,
    "treatment" TEXT NOT NULL,
    "weight" REAL,
    "notes" TEXT NOT NULL,
    "employee_id" BIGINT NOT NULL REFERENCES "clinic_employees" ("id") ON DELETE RESTRICT,
    "pet_id" BIGINT NOT NULL REFERENCES "clinic_pets" ("id") ON DELETE RESTRICT,
    "reservation_id" BIGINT REFERENCES "clinic_reservations" ("id") ON DELETE RESTRICT
);
CREATE TABLE "clinic_payments" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "version" INT NOT NULL,
    "created_at" BIGINT NOT NULL,
    "updated_at" BIGINT NOT NULL,
    "amount" BIGINT NOT NULL,
    "method" VARCHAR(16) NOT NULL,
    "paid_at" BIGINT NOT NULL,
    "reference" VARCHAR(80) NOT NULL,
    "invoice_id" BIGINT NOT NULL REFERENCES "clinic_invoices" ("id") ON DELETE RESTRICT
);
CREATE TABLE "clinic_pets" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "version" INT NOT NULL,
    "created_at" BIGINT NOT NULL,
    "updated_at" BIGINT NOT NULL,
    "name" VARCHAR(80) NOT NULL,
    "species" VARCHAR(80) NOT NULL,
    "breed" VARCHAR(80) NOT NULL,
    "age" INT,
    "user_id" VARCHAR(64),
    "owner_name" VARCHAR(80) NOT NULL,
    "owner_phone" VARCHAR(30) NOT NULL,
    "notes" TEXT NOT NULL
);
CREATE TABLE "clinic_reservations" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "version" INT NOT NULL,
    "created_at" BIGINT NOT NULL,
    "updated_at" BIGINT NOT NULL,
    "starts_at" BIGINT NOT NULL,
    "ends_at" BIGINT NOT NULL,
    "status" VARCHAR(16) NOT NULL,
    "notes" TEXT NOT NULL,
    "employee_id" BIGINT NOT NULL REFERENCES "clinic_employees" ("id") ON DELETE RESTRICT,
    "pet_id" BIGINT NOT NULL REFERENCES "clinic_pets" ("id") ON DELETE RESTRICT,
    "service_id" BIGINT NOT NULL REFERENCES "clinic_services" ("id") ON DELETE RESTRICT
);
CREATE TABLE "clinic_services" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "version" INT NOT NULL,
    "created_at" BIGINT NOT NULL,
    "updated_at" BIGINT NOT NULL,
    "name" VARCHAR(80) NOT NULL,
    "description" TEXT NOT NULL,
    "price" BIGINT NOT NULL,
    "duration_minutes" INT NOT NULL,
    "active" INT NOT NULL
);
CREATE TABLE "event_depths" (
    "position" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "depth" BIGINT NOT NULL
);
CREATE TABLE "event_log" (
    "position" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "topic" VARCHAR(128) NOT NULL,
    "type" VARCHAR(64) NOT NULL,
    "fields" TEXT NOT NULL,
    "at" BIGINT NOT NULL,
    "hidden_from" TEXT
);
CREATE TABLE "idempotency_keys" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "scope" VARCHAR(255) NOT NULL,
    "key" VARCHAR(255) NOT NULL,
    "answer" TEXT NOT NULL,
    "created_at" BIGINT NOT NULL, "fingerprint" VARCHAR(32),
    CONSTRAINT "uid_idempotency_scope_0666a8" UNIQUE ("scope", "key")
);
CREATE TABLE "leases" (
    "name" VARCHAR(160) NOT NULL  PRIMARY KEY,
    "holder" VARCHAR(40) NOT NULL,
    "term" BIGINT NOT NULL,
    "expires_at" BIGINT NOT NULL
);
CREATE TABLE "log_state" (
    "name" VARCHAR(16) NOT NULL  PRIMARY KEY,
    "value" TEXT NOT NULL
);
CREATE TABLE "log_terms" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "name" VARCHAR(32) NOT NULL,
    "after" BIGINT NOT NULL
);
CREATE TABLE "products" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "nombre" VARCHAR(255) NOT NULL,
    "descripcion" TEXT NOT NULL,
    "precio_cents" BIGINT NOT NULL,
    "stock" INT NOT NULL,
    "version" INT NOT NULL,
    "created_at" BIGINT NOT NULL,
    "updated_at" BIGINT NOT NULL
);
CREATE TABLE "readers" (
    "name" VARCHAR(160) NOT NULL  PRIMARY KEY,
    "term" VARCHAR(32) NOT NULL,
    "position" BIGINT NOT NULL
);
CREATE TABLE "readings" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "reservoir_id" VARCHAR(40) NOT NULL,
    "temperature" REAL NOT NULL,
    "ph" REAL NOT NULL,
    "conductivity" REAL NOT NULL,
    "water_level" REAL NOT NULL,
    "at" BIGINT NOT NULL
);
CREATE TABLE "revocations" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "kind" VARCHAR(8) NOT NULL,
    "name" VARCHAR(64) NOT NULL,
    "at" BIGINT NOT NULL,
    CONSTRAINT "uid_revocations_kind_ba2490" UNIQUE ("kind", "name")
);
CREATE TABLE "telemetry_alerts" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "reservoir_id" VARCHAR(40) NOT NULL,
    "measure" VARCHAR(20),
    "cause" VARCHAR(20) NOT NULL,
    "severity" VARCHAR(10) NOT NULL,
    "peak" VARCHAR(10) NOT NULL,
    "value" REAL,
    "threshold" REAL,
    "raised_at" BIGINT NOT NULL,
    "changed_at" BIGINT NOT NULL,
    "closed_at" BIGINT,
    "closed_by" VARCHAR(20),
    "standing" INT NOT NULL
);
CREATE TABLE "tortoise_migrations" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "app" VARCHAR(255) NOT NULL,
    "name" VARCHAR(255) NOT NULL,
    "applied_at" TIMESTAMP NOT NULL,
    CONSTRAINT "uid_tortoise_mi_app_3803a5" UNIQUE ("app", "name")
);
INSERT INTO "tortoise_migrations" VALUES(1,'envivo','0001_initial','');
INSERT INTO "tortoise_migrations" VALUES(2,'envivo','0002_chat','');
INSERT INTO "tortoise_migrations" VALUES(3,'envivo','0003_telemetry','');
INSERT INTO "tortoise_migrations" VALUES(4,'envivo','0004_bank','');
INSERT INTO "tortoise_migrations" VALUES(5,'envivo','0005_products','');
INSERT INTO "tortoise_migrations" VALUES(6,'envivo','0006_alerts','');
INSERT INTO "tortoise_migrations" VALUES(7,'envivo','0007_clinic','');
INSERT INTO "tortoise_migrations" VALUES(8,'envivo','0008_terms','');
INSERT INTO "tortoise_migrations" VALUES(9,'envivo','0009_fingerprint','');
INSERT INTO "tortoise_migrations" VALUES(10,'envivo','0010_sessions','');
INSERT INTO "tortoise_migrations" VALUES(11,'envivo','0011_leases','');
INSERT INTO "tortoise_migrations" VALUES(12,'envivo','0012_readers','');
CREATE INDEX "event_log_topic" ON "event_log" ("topic", "position");
CREATE INDEX "chat_messages_room" ON "chat_messages" ("room_id", "id");
CREATE INDEX "readings_reservoir" ON "readings" ("reservoir_id", "at");
CREATE INDEX "readings_at" ON "readings" ("at");
CREATE INDEX "bank_movements_account" ON "bank_movements" ("account_id", "id");
CREATE INDEX "telemetry_alerts_standing" ON "telemetry_alerts" ("standing", "reservoir_id");
CREATE INDEX "telemetry_alerts_closed" ON "telemetry_alerts" ("closed_at");
CREATE INDEX "clinic_activity_logs_entity" ON "clinic_activity_logs" ("entity_type", "entity_id");
CREATE INDEX "clinic_activity_logs_user" ON "clinic_activity_logs" ("user_id");
CREATE INDEX "clinic_activity_logs_time" ON "clinic_activity_logs" ("created_at");
CREATE INDEX "clinic_pets_user" ON "clinic_pets" ("user_id");
CREATE INDEX "clinic_reservations_employee" ON "clinic_reservations" ("employee_id", "starts_at");
CREATE INDEX "clinic_reservations_pet" ON "clinic_reservations" ("pet_id", "starts_at");
CREATE INDEX "clinic_reservations_service" ON "clinic_reservations" ("service_id");
CREATE INDEX "clinic_reservations_start" ON "clinic_reservations" ("starts_at");
CREATE INDEX "clinic_invoices_pet" ON "clinic_invoices" ("pet_id");
CREATE INDEX "clinic_invoices_user" ON "clinic_invoices" ("user_id");
CREATE INDEX "clinic_invoices_reservation" ON "clinic_invoices" ("reservation_id");
CREATE INDEX "clinic_invoices_issued" ON "clinic_invoices" ("issued_at");
CREATE INDEX "clinic_medical_history_pet" ON "clinic_medical_history" ("pet_id", "date");
CREATE INDEX "clinic_medical_history_employee" ON "clinic_medical_history" ("employee_id");
CREATE INDEX "clinic_medical_history_reserv" ON "clinic_medical_history" ("reservation_id");
CREATE INDEX "clinic_payments_invoice" ON "clinic_payments" ("invoice_id");
CREATE INDEX "clinic_payments_paid" ON "clinic_payments" ("paid_at");
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('tortoise_migrations',12);
INSERT INTO "sqlite_sequence" VALUES('log_terms',0);
UPDATE tortoise_migrations SET applied_at = strftime('%Y-%m-%d %H:%M:%f000+00:00', 'now');
COMMIT;
