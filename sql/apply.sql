-- The whole schema by hand, on an empty database or again on one that has it:
--   psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -f sql/apply.sql
-- The same files, in the same order, as `stage1-lineage migrate`, which also keeps the ledger.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET statement_timeout = 0;
SET standard_conforming_strings = on;
SET row_security = off; -- rows that are kept from the owner would be left out without a word
-- The migrator's own lock: one at a time, by hand or not. Freed below, or with the session. Not waited for: who waits here
-- would hold up the other's CREATE INDEX CONCURRENTLY, which waits for every statement that began before it.
DO $$
BEGIN
    IF NOT pg_try_advisory_lock(5731, 3) THEN
        RAISE 'another migration of this database is under way' USING HINT = 'Try again when it has ended.';
    END IF;
END
$$;

BEGIN;
\ir ledger.sql
COMMIT;
BEGIN;
\ir columns.sql
\ir kept.sql
\ir migrations/0000a_lossless_types.sql
COMMIT;
BEGIN;
\ir migrations/0001_stage1_3_tables.sql
COMMIT;
BEGIN;
\ir migrations/0001a1_ids_of_others.sql
COMMIT;
BEGIN;
\ir migrations/0001a_former_routines.sql
COMMIT;
BEGIN;
\ir functions/14_json.sql
\ir functions/15_writers_of_runs.sql
\ir migrations/0001aa_writers_of_runs.sql
COMMIT;
BEGIN;
\ir migrations/0001ab_rows_of_generation_3.sql
COMMIT;
BEGIN;
\ir columns.sql
\ir migrations/0001b_columns.sql
COMMIT;
BEGIN;
\ir migrations/0001c_constraint_names.sql
COMMIT;
-- Outside a transaction, statement by statement: it builds indexes while others read and write.
\ir migrations/0001d_indexes.sql
BEGIN;
\ir migrations/0001e_names.sql
COMMIT;
BEGIN;
\ir migrations/0002_one_shape_for_both_variants.sql
COMMIT;
BEGIN;
\ir migrations/0003_stage1_datasets.sql
COMMIT;
BEGIN;
\ir migrations/0003a_legacy_writers.sql
COMMIT;
BEGIN;
\ir columns.sql
\ir functions/14_json.sql
\ir functions/16_writers_of_datasets.sql
\ir migrations/0003b_writers_of_datasets.sql
COMMIT;
BEGIN;
\ir migrations/0004_foreign_keys_to_stage1_datasets.sql
COMMIT;
BEGIN;
\ir migrations/0005_validate_foreign_keys.sql
COMMIT;
BEGIN;
\ir migrations/0006_unique_measurements.sql
COMMIT;
BEGIN;
\ir migrations/0007_indexes_for_paging.sql
COMMIT;
BEGIN;
\ir migrations/0008_one_schema.sql
COMMIT;
BEGIN;
\ir migrations/0008a_validate.sql
COMMIT;
BEGIN;
\ir migrations/0008b_not_null.sql
COMMIT;
BEGIN;
\ir migrations/0009_replays.sql
COMMIT;
BEGIN;
\ir migrations/0010_search_after_writes.sql
COMMIT;
BEGIN;
\ir migrations/0011_audit.sql
COMMIT;
BEGIN;
\ir migrations/0012_bucket_sides.sql
COMMIT;
-- Outside a transaction, as 0001d.
\ir migrations/0013_hierarchy_indexes.sql
BEGIN;
\ir kept.sql
\ir views/05_former_names.sql
\ir views/10_dataset_catalog.sql
\ir views/20_dataset_hierarchy.sql
\ir functions/10_updated_at.sql
\ir functions/14_json.sql
\ir functions/15_writers_of_runs.sql
\ir functions/16_writers_of_datasets.sql
\ir functions/20_upsert_stage1_dataset.sql
\ir functions/30_patch_stage1_dataset.sql
\ir functions/40_audited_patch.sql
\ir functions/50_vocabulary.sql
\ir functions/52_claims.sql
\ir functions/55_timestamps.sql
\ir functions/60_list_pages.sql
\ir functions/70_changes.sql
\ir functions/90_comments.sql
\ir grants.sql
COMMIT;

DO $$ BEGIN PERFORM pg_advisory_unlock(5731, 3); END $$;
