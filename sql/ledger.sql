-- What was applied to this database: one row for each file. The migrator writes the rows; a file applied by hand has none
-- until the next `migrate`, which finds every step already done and records it.
CREATE TABLE IF NOT EXISTS stage1_schema_ledger (
    file        text PRIMARY KEY,
    sha256      text NOT NULL,
    version     text NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE stage1_schema_ledger IS 'Schema files applied by stage1-lineage, with the hash of each and the version that applied it.';
