-- Who wrote what through the API: a row for each write, made by the statement that writes (functions/40_audited_patch.sql), so
-- that both are there or neither. Without foreign keys: a row outlives what it is about.
CREATE TABLE IF NOT EXISTS stage1_audit (
    -- ALWAYS: the numbers are the database's, not the writer's.
    audit_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    token      text,
    operation  text NOT NULL,
    ids        uuid[] NOT NULL,
    request_id text NOT NULL
);

-- The last writes are found by the key; those of a time, to be shown or deleted, and those of an id by these. Without
-- fastupdate, which spares work where a row has many ids, and has searches read a list of what is not merged yet.
CREATE INDEX IF NOT EXISTS idx_stage1_audit_written ON stage1_audit (written_at);
CREATE INDEX IF NOT EXISTS idx_stage1_audit_ids ON stage1_audit USING gin (ids) WITH (fastupdate = off);

COMMENT ON TABLE stage1_audit IS 'Who wrote what through the API: a row for each write. What psql, libpq and replay write is not here.';
COMMENT ON COLUMN stage1_audit.audit_id IS 'In the order of writing, but for writes at the same moment. A missing number need not have been a row.';
COMMENT ON COLUMN stage1_audit.written_at IS 'When the statement wrote, not when its transaction began.';
COMMENT ON COLUMN stage1_audit.token IS 'Name of the token that the request came with; NULL: the server asked for none.';
COMMENT ON COLUMN stage1_audit.operation IS 'The API''s field: upsertDataset.';
COMMENT ON COLUMN stage1_audit.ids IS 'Keys of the rows that were written, of what the operation is about: dataset_id for upsertDataset.';
COMMENT ON COLUMN stage1_audit.request_id IS 'Stands in the server''s log and in the answer''s header x-request-id.';
