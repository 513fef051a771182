ALTER TABLE stage1_datasets ADD COLUMN IF NOT EXISTS is_placeholder boolean NOT NULL DEFAULT false;
